using k8s.Models;
using Knet.Kube.Client;

namespace Knet.ApiServer.Workloads.Volumes;

/// <summary>Where the node keeps the volumes of the local-path class.</summary>
/// <param name="Directory">On that node; a directory below it is a volume.</param>
/// <param name="NodeName">The node that has it.</param>
public sealed record LocalVolumes(string Directory, string NodeName);

/// <summary>The storage class that is always there: volumes are directories on the node.</summary>
public static class LocalPathClass
{
    public const string Name = "local-path";
    public const string Provisioner = "knet.dev/local-path";
    internal const string IsDefault = "storageclass.kubernetes.io/is-default-class";
    internal const string ProvisionedBy = "pv.kubernetes.io/provisioned-by";

    /// <summary>Makes the class, as the default one, if there is none of its name.</summary>
    public static async Task EnsureAsync(KubeClient client, CancellationToken cancellationToken)
    {
        if (await client.FindAsync<V1StorageClass>("", Name, cancellationToken) is not null)
        {
            return;
        }

        await client.CreateAsync(
            new V1StorageClass
            {
                ApiVersion = "storage.k8s.io/v1",
                Kind = "StorageClass",
                Metadata = new V1ObjectMeta { Name = Name, Annotations = new Dictionary<string, string> { [IsDefault] = "true" } },
                Provisioner = Provisioner,
                ReclaimPolicy = "Delete",
                VolumeBindingMode = "Immediate",
            },
            cancellationToken);
    }

    /// <summary>The volume made for a claim, bound to it from the start.</summary>
    internal static V1PersistentVolume VolumeFor(V1PersistentVolumeClaim claim, V1StorageClass @class, LocalVolumes where)
    {
        var name = $"pvc-{claim.Metadata.Uid}";
        return new V1PersistentVolume
        {
            ApiVersion = "v1",
            Kind = "PersistentVolume",
            Metadata = new V1ObjectMeta
            {
                Name = name,
                Annotations = new Dictionary<string, string> { [ProvisionedBy] = Provisioner },
            },
            Spec = new V1PersistentVolumeSpec
            {
                AccessModes = claim.Spec.AccessModes,
                Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = claim.Spec.Resources.Requests["storage"] },
                ClaimRef = ReferenceTo(claim),
                HostPath = new V1HostPathVolumeSource
                {
                    Path = Path.Combine(where.Directory, $"{name}_{claim.Metadata.NamespaceProperty}_{claim.Metadata.Name}"),
                    Type = "DirectoryOrCreate",
                },
                NodeAffinity = new V1VolumeNodeAffinity
                {
                    Required = new V1NodeSelector
                    {
                        NodeSelectorTerms =
                        [
                            new V1NodeSelectorTerm
                            {
                                MatchExpressions =
                                [
                                    new V1NodeSelectorRequirement
                                    {
                                        Key = "kubernetes.io/hostname", OperatorProperty = "In", Values = [where.NodeName],
                                    },
                                ],
                            },
                        ],
                    },
                },
                PersistentVolumeReclaimPolicy = @class.ReclaimPolicy ?? "Delete",
                StorageClassName = @class.Metadata.Name,
                VolumeMode = "Filesystem",
            },
        };
    }

    internal static V1ObjectReference ReferenceTo(V1PersistentVolumeClaim claim) => new()
    {
        ApiVersion = "v1",
        Kind = "PersistentVolumeClaim",
        NamespaceProperty = claim.Metadata.NamespaceProperty,
        Name = claim.Metadata.Name,
        Uid = claim.Metadata.Uid,
    };
}
