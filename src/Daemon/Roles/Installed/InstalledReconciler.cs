using System.Collections.Immutable;
using System.Text;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.Daemon.Roles.Installed;

/// <summary>Namespaces' status is nobody's business here.</summary>
internal sealed record NoStatus;

/// <summary>
/// Keeps the objects that stand for the roles in knative-serving: makes those that are missing and puts the number of pods back. What
/// else somebody changes about them (upstream's release files do) is left alone; it changes nothing that runs.
/// </summary>
internal sealed class InstalledReconciler : IReconciler<V1Namespace, NoStatus>
{
    private static readonly ReadOnlyMemory<byte> OneReplica = Encoding.UTF8.GetBytes("""{"spec":{"replicas":1}}""");

    public Plan<NoStatus> Reconcile(V1Namespace resource, IView view)
    {
        if (resource.Metadata.Name != Identities.SystemNamespace || resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null);
        }

        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        foreach (var account in InstalledRole.All.Select(r => r.Account).Distinct())
        {
            if (view.Get<V1ServiceAccount>(Identities.SystemNamespace, account) is null)
            {
                steps.Add(PlanStep.Create(InstalledObjects.Account(account)));
            }
        }

        foreach (var role in InstalledRole.All)
        {
            var deployment = view.Get<V1Deployment>(Identities.SystemNamespace, role.Name);
            if (deployment is null)
            {
                steps.Add(PlanStep.Create(InstalledObjects.Deployment(role)));
            }
            else if (deployment.Metadata.DeletionTimestamp is null && deployment.Spec.Replicas != 1)
            {
                steps.Add(PlanStep.Patch<V1Deployment>(Identities.SystemNamespace, role.Name, PatchKind.Merge, OneReplica, "scale"));
            }

            if (role.ServicePorts.Count > 0 && view.Get<V1Service>(Identities.SystemNamespace, role.Name) is null)
            {
                steps.Add(PlanStep.Create(InstalledObjects.Service(role)));
            }
        }

        return new(null) { Steps = steps.ToImmutable() };
    }
}
