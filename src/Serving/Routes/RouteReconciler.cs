using System.Collections.Immutable;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Duck;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;
using Knet.Serving.Revisions;

namespace Knet.Serving.Routes;

/// <summary>A Route is an Ingress that spreads requests over Revisions, and names that lead to it (serving.md 9).</summary>
public sealed class RouteReconciler : IReconciler<KnRoute, RouteStatus>
{
    public Plan<RouteStatus> Reconcile(KnRoute resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<RouteStatus>(null);
        }

        var pass = new Pass(resource, view);
        pass.Run();
        return pass.ToPlan();
    }

    private sealed class Pass(KnRoute route, IView view)
    {
        private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
        private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
        private readonly string _namespace = route.Metadata.NamespaceProperty;
        private readonly NetworkConfig _network = view.Config<NetworkConfig>();
        private readonly RouteHosts _hosts = new(route, view.Config<NetworkConfig>(), view.Config<DomainConfig>());
        private readonly RouteCertificates _certificates = new(
            route, view, view.Config<NetworkConfig>(), new RouteHosts(route, view.Config<NetworkConfig>(), view.Config<DomainConfig>()));
        private readonly HashSet<string> _localNames = new(StringComparer.Ordinal);
        private RouteStatus _status = route.Status.Begin(route.Metadata.Generation);
        private TimeSpan? _again;

        public void Run()
        {
            if (route.Status.ObservedGeneration != route.Metadata.Generation)
            {
                _status = _status.IngressNotConfigured();
            }

            try
            {
                var resolution = TrafficResolution.Of(route, view);
                Publish();
                if (resolution.Problem is { } problem)
                {
                    _status = problem(_status);
                    return;
                }

                _status = _status.TrafficAssigned();
                Assign(resolution.Targets);
            }
            catch (DomainException e)
            {
                _status = _status.TrafficFailed("ErrorConfig", e.Message);
            }
        }

        public Plan<RouteStatus> ToPlan()
        {
            var (before, generation, now) = (route.Status, route.Metadata.Generation, view.Now);
            var status = _status;
            return new Plan<RouteStatus>(status.End(before, generation, now))
            {
                Steps = _steps.ToImmutable(),
                Events = _events.ToImmutable(),
                RequeueAfter = _again,
                OnFailure = (step, error) => Failed(status, step, error).End(before, generation, now),
            };
        }

        /// <summary>Where the Route answers, which is known before it has anything to answer with.</summary>
        private void Publish()
        {
            var isLocal = _hosts.IsClusterLocal();
            foreach (var name in Names())
            {
                var placeholder = view.Get<V1Service>(_namespace, _hosts.NameOf(name));
                if (isLocal || !string.IsNullOrEmpty(placeholder?.Metadata.Labels.Find(NetworkingKeys.Visibility)))
                {
                    _localNames.Add(name);
                }
            }

            isLocal = _localNames.Contains("");
            _status = _status.TlsNotEnabled(isLocal ? "TLS is not enabled for cluster-local" : "external-domain-tls is not enabled");
            _status = _certificates.Decide(_status, [.. Names()], _localNames);
            _steps.AddRange(_certificates.Steps);
            _status = _status with { Url = _hosts.UrlOf("", isLocal, _certificates.Secured) };
        }

        private IEnumerable<string> Names() =>
            (route.Spec.Traffic ?? []).Select(t => t.Tag ?? "").Where(t => t.Length > 0).Prepend("").Distinct(StringComparer.Ordinal);

        private void Assign(List<ResolvedTarget> targets)
        {
            var scheme = _certificates.Secured.Contains(_hosts.ClusterName) ? "https" : "http";
            _status = _status with { Address = new Addressable { Url = $"{scheme}://{_hosts.ClusterName}" } };
            var existing = view.Get<KnIngress>(_namespace, RouteIngress.NameFor(route));
            if (existing is not null && !existing.Metadata.IsControlledBy(route.Metadata))
            {
                _status = IngressNotOwned(_status, existing.Metadata.Name);
                _events.Add(new PlanEvent(
                    "Warning", "InternalError", $"route: \"{route.Metadata.Name}\" does not own Ingress: \"{existing.Metadata.Name}\""));
                return;
            }

            var rollout = Rollout.Goal(targets).Step(
                Rollout.Parse(existing?.Metadata.Annotations.Find(NetworkingKeys.Rollout)), Duration(), IsReady(existing), view.Now);
            _again = rollout.Next(view.Now);
            var traffic = new RouteTraffic(Shares(targets, rollout), _localNames, rollout, _certificates);
            var wanted = RouteIngress.For(route, traffic, _hosts, _network, view.Config<FeaturesConfig>());
            var isUpToDate = existing is not null && IngressSettings.IsUpToDate(existing, wanted);
            if (!isUpToDate)
            {
                _steps.Add(PlanStep.Ensure(wanted));
            }

            if (existing is null)
            {
                _events.Add(new PlanEvent("Normal", "Created", $"Created Ingress \"{wanted.Metadata.Name}\""));
            }

            Follow(existing, isUpToDate, rollout);
            Placeholders(existing);
            _status = _status with { Traffic = Published(targets, rollout) };
        }

        private void Follow(KnIngress? ingress, bool isUpToDate, Rollout rollout)
        {
            if (ingress is null || !isUpToDate || ingress.Status.ObservedGeneration != ingress.Metadata.Generation)
            {
                _status = _status.IngressNotConfigured();
            }
            else if (rollout.IsDone)
            {
                _status = _status.Propagate(ingress.Status);
            }

            if (!rollout.IsDone)
            {
                _status = _status.RolloutInProgress();
            }
        }

        private static bool IsReady(KnIngress? ingress) =>
            ingress is not null && ingress.Status.ObservedGeneration == ingress.Metadata.Generation &&
            ConditionSet.IsTrue(ingress.Status.Conditions);

        private TimeSpan Duration()
        {
            var text = route.Metadata.Annotations.Find(ServingKeys.RolloutDuration) ??
                route.Metadata.Annotations.Find(ServingKeys.RolloutDurationAlt);
            return GoDuration.TryParse(text, out var duration) ? duration : TimeSpan.FromSeconds(_network.RolloutDurationSeconds);
        }

        /// <summary>What each name sends where: Revisions of a rollout in place of its latest one, equal Revisions together.</summary>
        private Dictionary<string, List<TrafficShare>> Shares(List<ResolvedTarget> targets, Rollout rollout)
        {
            var shares = new Dictionary<string, List<TrafficShare>>(StringComparer.Ordinal) { [""] = [] };
            foreach (var target in targets)
            {
                foreach (var share in Expand(target, rollout))
                {
                    Merge(shares[""], share);
                    if (target.Tag.Length > 0)
                    {
                        shares.TryAdd(target.Tag, []);
                        Merge(shares[target.Tag], share);
                    }
                }
            }

            foreach (var (name, list) in shares)
            {
                // A tag's share of the whole says nothing about its own host, where it is everything.
                if (name.Length > 0 && list.Sum(s => s.Percent) != 100)
                {
                    shares[name] = [list[^1] with { Percent = 100 }];
                }
            }

            return shares;
        }

        private IEnumerable<TrafficShare> Expand(ResolvedTarget target, Rollout rollout)
        {
            var state = target.IsLatest
                ? rollout.Configurations.Find(c => c.ConfigurationName == target.Configuration && (c.Tag ?? "") == target.Tag)
                : null;
            if (state is null || state.IsDone)
            {
                return [new TrafficShare(target.Revision, target.Percent, target.Protocol)];
            }

            return state.Revisions.Select(r => new TrafficShare(
                r.RevisionName, r.Percent,
                view.Get<KnRevision>(_namespace, r.RevisionName) is { } revision ? RevisionMeta.Protocol(revision.Spec) : target.Protocol));
        }

        private static void Merge(List<TrafficShare> shares, TrafficShare share)
        {
            var at = shares.FindIndex(s => s.Revision == share.Revision);
            if (at < 0)
            {
                shares.Add(share);
            }
            else
            {
                shares[at] = shares[at] with { Percent = shares[at].Percent + share.Percent };
            }
        }

        private List<TrafficTarget> Published(List<ResolvedTarget> targets, Rollout rollout)
        {
            var result = new List<TrafficTarget>(targets.Count);
            foreach (var target in targets)
            {
                foreach (var share in Expand(target, rollout))
                {
                    result.Add(new TrafficTarget
                    {
                        Tag = target.Tag.Length == 0 ? null : target.Tag,
                        RevisionName = share.Revision,
                        LatestRevision = target.IsLatest,
                        Percent = share.Percent,
                        Url = target.Tag.Length == 0 ? null : _hosts.UrlOf(target.Tag, _localNames.Contains(target.Tag), _certificates.Secured),
                    });
                }
            }

            return result;
        }

        private void Placeholders(KnIngress? ingress)
        {
            var wanted = Names().Select(_hosts.NameOf).ToHashSet(StringComparer.Ordinal);
            foreach (var orphan in view.Labelled<V1Service>(_namespace, ServingKeys.Route, route.Metadata.Name))
            {
                if (!wanted.Contains(orphan.Metadata.Name) && orphan.Metadata.IsControlledBy(route.Metadata))
                {
                    _steps.Add(PlanStep.Delete(orphan));
                }
            }

            var balancer = ingress is null ? null : PlaceholderService.LoadBalancer(ingress.Status);
            foreach (var name in wanted)
            {
                var existing = view.Get<V1Service>(_namespace, name);
                if (existing is not null && !existing.Metadata.IsControlledBy(route.Metadata))
                {
                    _status = _status.PlaceholderNotOwned("Service", name);
                }
                else if (balancer is not null)
                {
                    Placeholder(existing, name, balancer);
                }
            }
        }

        private void Placeholder(V1Service? existing, string name, LoadBalancerIngress balancer)
        {
            if (existing is null)
            {
                _events.Add(new PlanEvent("Normal", "Created", $"Created placeholder service \"{name}\""));
            }

            _steps.AddRange(PlaceholderService.Steps(existing, PlaceholderService.For(route, name, balancer)));
            if (PlaceholderService.EndpointsFor(route, name, balancer) is not { } endpoints)
            {
                return;
            }

            var present = view.Get<V1Endpoints>(_namespace, name);
            if (present?.Subsets is not [{ Addresses: [{ Ip: var ip }] }] || ip != balancer.Ip)
            {
                _steps.Add(PlanStep.Apply(endpoints));
            }
        }

        private static RouteStatus IngressNotOwned(RouteStatus status, string name) =>
            status.IngressFailed("NotOwned", $"There is an existing Ingress \"{name}\" that we do not own.");

        private static RouteStatus Failed(RouteStatus status, PlanStep step, KubeException error)
        {
            if (error.Reason == "NotOwned")
            {
                return step.Type.Kind switch
                {
                    "Service" => status.PlaceholderNotOwned("Service", step.Key.Name),
                    "Certificate" => status.CertificateNotOwned(step.Key.Name),
                    "Endpoints" => status.PlaceholderNotOwned("Endpoint", step.Key.Name),
                    _ => IngressNotOwned(status, step.Key.Name),
                };
            }

            return step.Type.Kind == "Certificate"
                ? status.CertificateFailed(step.Key.Name, error.Message)
                : status.IngressFailed("InternalError", $"failed to write {step.Type.Kind} \"{step.Key.Name}\": {error.Message}");
        }
    }
}
