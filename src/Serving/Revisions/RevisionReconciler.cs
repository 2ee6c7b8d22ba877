using System.Collections.Immutable;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>A Revision is a Deployment of its containers, pinned to digests, and a PodAutoscaler that scales it (serving.md 8).</summary>
public sealed class RevisionReconciler : IReconciler<KnRevision, RevisionStatus>
{
    public Plan<RevisionStatus> Reconcile(KnRevision resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<RevisionStatus>(null);
        }

        var pass = new Pass(resource, view);
        pass.Run();
        return pass.ToPlan();
    }

    private sealed class Pass(KnRevision revision, IView view)
    {
        private readonly ImmutableArray<PlanStep>.Builder _steps = ImmutableArray.CreateBuilder<PlanStep>();
        private readonly ImmutableArray<PlanEvent>.Builder _events = ImmutableArray.CreateBuilder<PlanEvent>();
        private readonly string _namespace = revision.Metadata.NamespaceProperty;
        private readonly string _name = revision.Metadata.Name;
        private readonly RevisionConfig _config = new(
            view.Config<DeploymentConfig>(), view.Config<FeaturesConfig>(), view.Config<ObservabilityConfig>(),
            view.Config<NetworkConfig>(), view.Config<AutoscalingLimits>());

        private RevisionStatus _status = revision.Status.Begin(revision.Metadata.Generation);

        public void Run()
        {
            var template = _config.Observability.RevisionUrlTemplate;
            _status = _status with
            {
                LogUrl = template.Length == 0 ? null : template.Replace("${REVISION_UID}", revision.Metadata.Uid, StringComparison.Ordinal),
            };
            _status = RevisionDigests.Resolve(revision, _status, view, _config.Deployment, out var isResolved);
            if (isResolved && Deployment(out var deployment))
            {
                Autoscaler(deployment);
            }
        }

        public Plan<RevisionStatus> ToPlan()
        {
            var (before, generation, now) = (revision.Status, revision.Metadata.Generation, view.Now);
            var status = _status;
            if (!ConditionSet.IsTrue(before.Conditions) && ConditionSet.IsTrue(status.Conditions))
            {
                _events.Add(new PlanEvent("Normal", "RevisionReady", "Revision becomes ready upon all resources being ready"));
            }

            return new Plan<RevisionStatus>(status.End(before, generation, now))
            {
                Steps = _steps.ToImmutable(),
                Events = _events.ToImmutable(),
                OnFailure = (step, error) => Failed(status, step, error).End(before, generation, now),
            };
        }

        /// <returns>Whether to go on to the PodAutoscaler.</returns>
        private bool Deployment(out V1Deployment? deployment)
        {
            var wanted = RevisionDeployment.For(revision, _status, _config);
            deployment = view.Get<V1Deployment>(_namespace, wanted.Metadata.Name);
            if (deployment is null)
            {
                _status = _status.Unknown(RevisionStatus.ResourcesAvailable, RevisionStatus.Deploying)
                    .Unknown(RevisionStatus.ContainerHealthy, RevisionStatus.Deploying);
                wanted.Spec.Replicas = RevisionDeployment.InitialScale(revision, _config.Autoscaling);
                _steps.Add(PlanStep.Create(wanted));
                return true;
            }

            if (!deployment.Metadata.IsControlledBy(revision.Metadata))
            {
                NotOwned("Deployment", wanted.Metadata.Name);
                return false;
            }

            var hash = deployment.Metadata.Labels.Find(ServingKeys.DeploymentHash);
            if (hash != wanted.Metadata.Labels.Find(ServingKeys.DeploymentHash))
            {
                _steps.Add(PlanStep.Apply(wanted));
            }

            _status = RevisionHealth.OfDeployment(_status, deployment, view, _config.Deployment);
            return true;
        }

        private void Autoscaler(V1Deployment? deployment)
        {
            var existing = view.Get<KnPodAutoscaler>(_namespace, _name);
            if (existing is not null && !existing.Metadata.IsControlledBy(revision.Metadata))
            {
                NotOwned("PodAutoscaler", _name);
                return;
            }

            var wanted = RevisionPodAutoscaler.For(revision, _status, deployment);
            if (existing is null || !RevisionPodAutoscaler.IsUpToDate(existing, wanted))
            {
                _steps.Add(PlanStep.Ensure(wanted));
            }

            _status = RevisionHealth.OfAutoscaler(_status, existing?.Status ?? new PodAutoscalerStatus());
        }

        private void NotOwned(string kind, string name)
        {
            _status = MarkNotOwned(_status, kind, name);
            _events.Add(new PlanEvent("Warning", "InternalError", $"revision: \"{_name}\" does not own {kind}: \"{name}\""));
        }

        private static RevisionStatus MarkNotOwned(RevisionStatus status, string kind, string name) => status.False(
            RevisionStatus.ResourcesAvailable, RevisionStatus.NotOwned, $"There is an existing {kind} \"{name}\" that we do not own.");

        private static RevisionStatus Failed(RevisionStatus status, PlanStep step, KubeException error)
        {
            if (error.Reason is "NotOwned" or "AlreadyExists")
            {
                return MarkNotOwned(status, step.Type.Kind, step.Key.Name);
            }

            var message = $"failed to write {step.Type.Kind} \"{step.Key.Name}\": {error.Message}";
            return error.Code is 400 or 403 or 422
                ? status.False(RevisionStatus.ResourcesAvailable, "FailedCreate", message)
                : status.Unknown(RevisionStatus.ResourcesAvailable, RevisionStatus.Deploying, message);
        }
    }
}
