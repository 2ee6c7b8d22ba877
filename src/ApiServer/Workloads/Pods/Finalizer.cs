using System.Text;
using k8s;
using k8s.Models;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads.Pods;

/// <summary>Letting go of an object that is being deleted.</summary>
internal static class Finalizer
{
    /// <summary>Takes a finalizer away, of this very object and no other of its name.</summary>
    public static PlanStep Remove<T>(T value, string finalizer) where T : class, IKubernetesObject<V1ObjectMeta> => PlanStep.Patch<T>(
        value.Metadata.NamespaceProperty ?? "", value.Metadata.Name, PatchKind.Strategic,
        Encoding.UTF8.GetBytes(
            $$$"""{"metadata":{"uid":"{{{value.Metadata.Uid}}}","$deleteFromPrimitiveList/finalizers":["{{{finalizer}}}"]} }"""));
}
