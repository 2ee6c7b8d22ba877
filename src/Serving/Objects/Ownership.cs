using k8s;
using k8s.Models;

namespace Knet.Serving.Objects;

/// <summary>Who controls an object.</summary>
internal static class Ownership
{
    /// <summary>The reference that a child carries: controlling, and holding up a foreground deletion of its owner.</summary>
    public static V1OwnerReference By(IKubernetesObject<V1ObjectMeta> owner) => new()
    {
        ApiVersion = owner.ApiVersion,
        Kind = owner.Kind,
        Name = owner.Metadata.Name,
        Uid = owner.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };

    public static bool IsControlledBy(this V1ObjectMeta child, V1ObjectMeta owner)
    {
        foreach (var reference in child.OwnerReferences ?? [])
        {
            if (reference.Controller == true)
            {
                return reference.Uid == owner.Uid;
            }
        }

        return false;
    }

    public static bool IsDeleting(this IKubernetesObject<V1ObjectMeta> resource) => resource.Metadata.DeletionTimestamp is not null;
}
