using System.Collections.Immutable;
using System.Text;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;
using Knet.Serving.Routes;

namespace Knet.Serving.DomainMappings;

/// <summary>A DomainMapping claims its domain for its namespace and is an Ingress that leads to a Service (serving.md 15).</summary>
public sealed class DomainMappingReconciler : IReconciler<KnDomainMapping, DomainMappingStatus>
{
    internal const string Finalizer = "domainmappings.serving.knative.dev";

    public Plan<DomainMappingStatus> Reconcile(KnDomainMapping resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<DomainMappingStatus>(null) { Steps = Release(resource, view) };
        }

        var pass = new Pass(resource, view);
        pass.Run();
        return pass.ToPlan();
    }

    // The claim is not owned by a reference, since it belongs to no namespace: it goes while this object still exists.
    private static ImmutableArray<PlanStep> Release(KnDomainMapping mapping, IView view)
    {
        if (mapping.Metadata.Finalizers?.Contains(Finalizer) != true)
        {
            return [];
        }

        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        if (view.Config<NetworkConfig>().AutocreateClusterDomainClaims &&
            view.Get<KnClusterDomainClaim>("", mapping.Metadata.Name) is { } claim &&
            claim.Spec.Namespace == mapping.Metadata.NamespaceProperty)
        {
            steps.Add(PlanStep.Delete(claim));
        }

        steps.Add(Finalizers(mapping, mapping.Metadata.Finalizers.Where(f => f != Finalizer)));
        return steps.ToImmutable();
    }

    private static PlanStep Finalizers(KnDomainMapping mapping, IEnumerable<string> finalizers)
    {
        var names = string.Join(',', finalizers.Select(f => $"\"{f}\""));
        var body = $$$"""{"metadata":{"finalizers":[{{{names}}}],"resourceVersion":"{{{mapping.Metadata.ResourceVersion}}}"}}""";
        return PlanStep.Patch<KnDomainMapping>(
            mapping.Metadata.NamespaceProperty, mapping.Metadata.Name, PatchKind.Merge, Encoding.UTF8.GetBytes(body));
    }

    private sealed class Pass(KnDomainMapping mapping, IView view)
    {
        private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
        private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
        private readonly NetworkConfig _network = view.Config<NetworkConfig>();
        private readonly string _namespace = mapping.Metadata.NamespaceProperty;
        private readonly string _domain = mapping.Metadata.Name;
        private DomainMappingStatus _status = mapping.Status.Begin(mapping.Metadata.Generation);

        public void Run()
        {
            if (mapping.Metadata.Finalizers?.Contains(Finalizer) != true)
            {
                _steps.Add(Finalizers(mapping, (mapping.Metadata.Finalizers ?? []).Append(Finalizer)));
            }

            if (mapping.Status.ObservedGeneration != mapping.Metadata.Generation)
            {
                _status = _status.IngressNotConfigured();
            }

            Answer(isHttps: mapping.Spec.Tls is not null);
            if (!Claim())
            {
                return;
            }

            var certificate = DomainCertificate.Decide(mapping, _status, _network, view);
            _status = certificate.Status;
            Answer(certificate.IsHttps);
            if (certificate.Step is { } step)
            {
                _steps.Add(step);
            }

            var target = ReferenceTarget.Of(mapping.Spec.Ref, _namespace, view);
            if (target.Problem is { } problem)
            {
                _status = _status.NotResolved(problem);
                return;
            }

            _status = _status.Resolved();
            Follow(DomainIngress.For(mapping, target.Name, certificate.Secret, _network));
        }

        public Plan<DomainMappingStatus> ToPlan()
        {
            var (before, generation, now, status) = (mapping.Status, mapping.Metadata.Generation, view.Now, _status);
            return new Plan<DomainMappingStatus>(status.End(before, generation, now))
            {
                Steps = _steps.ToImmutable(),
                Events = _events.ToImmutable(),
                OnFailure = (step, error) => Failed(status, step, error).End(before, generation, now),
            };
        }

        private void Answer(bool isHttps)
        {
            var url = _network.ExternalUrl(_domain, isHttps);
            _status = _status with { Url = url, Address = new Addressable { Url = url } };
        }

        private bool Claim()
        {
            var claim = view.Get<KnClusterDomainClaim>("", _domain);
            if (claim is null && _network.AutocreateClusterDomainClaims)
            {
                _steps.Add(PlanStep.Create(new KnClusterDomainClaim
                {
                    Metadata = new V1ObjectMeta { Name = _domain },
                    Spec = new ClusterDomainClaimSpec { Namespace = _namespace },
                }));
            }
            else if (claim?.Spec.Namespace != _namespace)
            {
                _status = _status.ClaimNotOwned();
                return false;
            }

            _status = _status.Claimed();
            return true;
        }

        private void Follow(KnIngress wanted)
        {
            var existing = view.Get<KnIngress>(_namespace, wanted.Metadata.Name);
            if (existing is not null && !existing.Metadata.IsControlledBy(mapping.Metadata))
            {
                _status = _status.IngressFailed(
                    "NotOwned", $"There is an existing Ingress \"{wanted.Metadata.Name}\" that we do not own.");
                return;
            }

            if (existing is not null && IngressSettings.IsUpToDate(existing, wanted))
            {
                _status = existing.Status.ObservedGeneration == existing.Metadata.Generation
                    ? _status.Propagate(existing.Status)
                    : _status.IngressNotConfigured();
                return;
            }

            _steps.Add(PlanStep.Ensure(wanted));
            _status = _status.IngressNotConfigured();
            if (existing is null)
            {
                _events.Add(new PlanEvent("Normal", "Created", $"Created Ingress \"{wanted.Metadata.Name}\""));
            }
        }

        private static DomainMappingStatus Failed(DomainMappingStatus status, PlanStep step, KubeException error) => step.Type.Kind switch
        {
            // Another namespace was quicker.
            "ClusterDomainClaim" when error.IsAlreadyExists => status.ClaimNotOwned(),
            "Certificate" => status.CertificateFailed(step.Key.Name, error.Message),
            "ClusterDomainClaim" => status.ClaimFailed($"failed to create ClusterDomainClaim: {error.Message}"),
            _ => status.IngressFailed("InternalError", $"failed to write {step.Type.Kind} \"{step.Key.Name}\": {error.Message}"),
        };
    }
}
