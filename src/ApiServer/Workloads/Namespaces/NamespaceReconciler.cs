using k8s.Models;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Namespaces;

/// <summary>
/// Gives every namespace what pods count on: the <c>default</c> ServiceAccount and the cluster's CA as <c>kube-root-ca.crt</c>.
/// </summary>
/// <param name="clusterCa">The API server's CA certificates, PEM.</param>
internal sealed class NamespaceReconciler(string clusterCa) : IReconciler<V1Namespace, V1NamespaceStatus>
{
    public Plan<V1NamespaceStatus> Reconcile(V1Namespace resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null)
        {
            return new(null);
        }

        var ns = resource.Metadata.Name;
        var account = new V1ServiceAccount
        {
            ApiVersion = "v1", Kind = "ServiceAccount", Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = "default" },
        };
        var ca = new V1ConfigMap
        {
            ApiVersion = "v1",
            Kind = "ConfigMap",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = ns,
                Name = "kube-root-ca.crt",
                Annotations = new Dictionary<string, string>
                {
                    ["kubernetes.io/description"] =
                        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints.",
                },
            },
            Data = new Dictionary<string, string> { ["ca.crt"] = clusterCa },
        };
        var steps = new List<PlanStep>();
        if (view.Get<V1ServiceAccount>(ns, "default") is null)
        {
            steps.Add(PlanStep.Create(account));
        }

        if (view.Get<V1ConfigMap>(ns, "kube-root-ca.crt") is not { } known
            || known.Data?.TryGetValue("ca.crt", out var text) != true || text != clusterCa)
        {
            steps.Add(PlanStep.Ensure(ca));
        }

        return new(null) { Steps = [.. steps] };
    }
}
