using System.Collections.Immutable;
using k8s.Models;
using Knet.Kube.Controllers;

namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// Holds upstream's leader-election Leases for the roles' pods. People see who leads, and a controller of upstream's that somebody starts
/// against this API waits for its turn.
/// </summary>
internal sealed class RoleLeaseReconciler : IReconciler<V1Deployment, V1DeploymentStatus>
{
    // Upstream's lease-duration; renewed at half of it.
    private const int LeaseSeconds = 60;
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<string, string[]> Names = new()
    {
        [InstalledRole.Controller] =
        [
            .. ((string[])["configuration", "domainmapping", "gc", "labeler", "nscert", "revision", "route", "serverlessservice", "service"])
                .Select(name => Name(InstalledRole.Controller, name)),
        ],
        ["autoscaler"] = [Name("autoscaler", "autoscaling.kpa"), Name("autoscaler", "metric"), "autoscaler-bucket-00-of-01"],
        ["autoscaler-hpa"] = [Name("hpaautoscaler", "autoscaling.hpa")],
        ["webhook"] =
        [
            .. ((string[])["configmapwebhook", "defaultingwebhook", "validationwebhook", "webhookcertificates"])
                .Select(name => $"webhook.{name}.00-of-01"),
        ],
    };

    public Plan<V1DeploymentStatus> Reconcile(V1Deployment resource, IView view)
    {
        if (resource.Metadata.NamespaceProperty != Identities.SystemNamespace || !Names.TryGetValue(resource.Metadata.Name, out var names)
            || view.Labelled<V1Pod>(Identities.SystemNamespace, "app", resource.Metadata.Name).FirstOrDefault(IsRunning) is not { } pod)
        {
            return new(null);
        }

        var now = view.Now.UtcDateTime;
        var (steps, holder, next) = (ImmutableArray.CreateBuilder<PlanStep>(), $"{pod.Metadata.Name}_{pod.Metadata.Uid}", Renewal);
        foreach (var name in names)
        {
            var lease = view.Get<V1Lease>(Identities.SystemNamespace, name);
            var ours = lease?.Spec?.HolderIdentity == holder;
            if (ours && lease!.Spec.RenewTime is { } renewed && renewed + Renewal > now)
            {
                var left = renewed + Renewal - now;
                next = left < next ? left : next;
                continue;
            }

            steps.Add(PlanStep.Apply(new V1Lease
            {
                ApiVersion = "coordination.k8s.io/v1",
                Kind = "Lease",
                Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = Identities.SystemNamespace },
                Spec = new V1LeaseSpec
                {
                    HolderIdentity = holder,
                    LeaseDurationSeconds = LeaseSeconds,
                    AcquireTime = ours ? lease!.Spec.AcquireTime : now,
                    RenewTime = now,
                    LeaseTransitions = (lease?.Spec?.LeaseTransitions ?? 0) + (ours || lease is null ? 0 : 1),
                },
            }));
        }

        return new(null) { Steps = steps.ToImmutable(), RequeueAfter = next };
    }

    private static bool IsRunning(V1Pod pod) => pod.Status?.Phase == "Running" && pod.Metadata.DeletionTimestamp is null;

    private static string Name(string component, string reconciler) =>
        $"{component}.knative.dev.serving.pkg.reconciler.{reconciler}.reconciler.00-of-01";
}
