using System.Collections.Immutable;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;

namespace Knet.Serving.Services;

/// <summary>A Service is a Configuration and a Route of its name, and what these two report (serving.md 7).</summary>
public sealed class ServiceReconciler : IReconciler<KnService, ServiceStatus>
{
    public Plan<ServiceStatus> Reconcile(KnService resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<ServiceStatus>(null);
        }

        var pass = new Pass(resource, view);
        pass.Run();
        return pass.ToPlan();
    }

    /// <summary>One reconcile: the status as it grows, and the writes decided so far.</summary>
    private sealed class Pass(KnService service, IView view)
    {
        private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
        private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
        private readonly string _namespace = service.Metadata.NamespaceProperty;
        private readonly string _name = service.Metadata.Name;
        private ServiceStatus _status = service.Status.Begin(service.Metadata.Generation);

        public void Run()
        {
            var configuration = view.Get<KnConfiguration>(_namespace, _name);
            if (configuration is not null && !configuration.Metadata.IsControlledBy(service.Metadata))
            {
                _status = _status.ConfigurationNotOwned(_name);
                _events.Add(new PlanEvent("Warning", "InternalError", $"service: \"{_name}\" does not own configuration: \"{_name}\""));
                return;
            }

            if (!Configuration(configuration))
            {
                _status = _status.ConfigurationOutOfDate();

                // A named Revision is not routed to before the Configuration has accepted the name.
                if (!string.IsNullOrEmpty(service.Spec.Template.Metadata?.Name))
                {
                    return;
                }
            }
            else
            {
                _status = _status.Propagate(configuration!.Status);
            }

            if (IsNameTaken(configuration))
            {
                _status = _status.RevisionNameTaken(service.Spec.Template.Metadata!.Name);
                return;
            }

            Route(configuration);
        }

        public Plan<ServiceStatus> ToPlan()
        {
            var (before, generation, now) = (service.Status, service.Metadata.Generation, view.Now);
            var status = _status;
            return new Plan<ServiceStatus>(status.End(before, generation, now))
            {
                Steps = _steps.ToImmutable(),
                Events = _events.ToImmutable(),
                OnFailure = (step, error) => Failed(status, step, error).End(before, generation, now),
            };
        }

        /// <returns>Whether the Configuration speaks of the present template.</returns>
        private bool Configuration(KnConfiguration? existing)
        {
            var wanted = ServiceConfiguration.For(service, existing);
            if (existing is null)
            {
                _steps.Add(PlanStep.Ensure(wanted));
                _events.Add(new PlanEvent("Normal", "Created", $"Created Configuration \"{_name}\""));
                return false;
            }

            if (ServiceConfiguration.IsUpToDate(existing, wanted))
            {
                return existing.Status.ObservedGeneration == existing.Metadata.Generation;
            }

            _steps.Add(PlanStep.Ensure(wanted));
            return existing.Status.ObservedGeneration == existing.Metadata.Generation && Maps.SameJson(existing.Spec, wanted.Spec);
        }

        private void Route(KnConfiguration? configuration)
        {
            var existing = view.Get<KnRoute>(_namespace, _name);
            if (existing is not null && !existing.Metadata.IsControlledBy(service.Metadata))
            {
                _status = _status.RouteNotOwned(_name);
                _events.Add(new PlanEvent("Warning", "InternalError", $"service: \"{_name}\" does not own route: \"{_name}\""));
                return;
            }

            var wanted = ServiceRoute.For(service);
            if (existing is null)
            {
                _events.Add(new PlanEvent("Normal", "Created", $"Created Route \"{_name}\""));
            }

            var isUpToDate = existing is not null && ServiceRoute.IsUpToDate(existing, wanted);
            if (!isUpToDate)
            {
                _steps.Add(PlanStep.Ensure(wanted));
            }

            if (existing is null || existing.Status.ObservedGeneration != existing.Metadata.Generation ||
                (!isUpToDate && !Maps.SameJson(existing.Spec, wanted.Spec)))
            {
                _status = _status.RouteOutOfDate();
                return;
            }

            _status = _status.Propagate(existing.Status).CauseFirst();
            if (ConditionSet.IsTrue(_status.Conditions, ServiceStatus.RoutesReady) && !IsMigrated(existing, configuration))
            {
                _status = _status.TrafficNotMigrated();
            }
        }

        /// <summary>Whether the template's own name belongs to a Revision that is not what the template says.</summary>
        private bool IsNameTaken(KnConfiguration? configuration)
        {
            var name = service.Spec.Template.Metadata?.Name;
            if (configuration is null || string.IsNullOrEmpty(name) || view.Get<KnRevision>(_namespace, name) is not { } revision)
            {
                return false;
            }

            return !revision.Metadata.IsControlledBy(configuration.Metadata) ||
                (revision.Metadata.Labels.Find(ServingKeys.ConfigurationGeneration) != $"{configuration.Metadata.Generation}" &&
                    !Maps.SameJson(revision.Spec, service.Spec.Template.Spec));
        }

        private bool IsMigrated(KnRoute route, KnConfiguration? configuration)
        {
            var (want, got) = (route.Spec.Traffic ?? [], route.Status.Traffic ?? []);
            if (want.Count != got.Count)
            {
                return false;
            }

            for (var i = 0; i < want.Count; i++)
            {
                var revision = want[i].ConfigurationName == _name ? configuration?.Status.LatestReadyRevisionName : want[i].RevisionName;
                if (got[i].RevisionName != revision || (got[i].Tag ?? "") != (want[i].Tag ?? "") ||
                    (got[i].Percent ?? 0) != (want[i].Percent ?? 0))
                {
                    return false;
                }
            }

            return true;
        }

        private ServiceStatus Failed(ServiceStatus status, PlanStep step, KubeException error)
        {
            var isRoute = step.Type.Kind == "Route";
            if (error.Reason == "NotOwned")
            {
                return isRoute ? status.RouteNotOwned(_name) : status.ConfigurationNotOwned(_name);
            }

            return status.ChildFailed(
                isRoute ? ServiceStatus.RoutesReady : ServiceStatus.ConfigurationsReady, isFinal: error.Code is >= 400 and < 409 or 422,
                $"Failed to write {step.Type.Kind} \"{_name}\": {error.Message}");
        }
    }
}
