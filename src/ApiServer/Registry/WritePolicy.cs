using System.Text.Json.Nodes;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;

namespace Knet.ApiServer.Registry;

/// <summary>The one place that decides which writes wait for the disk, which follow it, and which never reach it.</summary>
internal static class WritePolicy
{
    private const string ManagedBy = "endpointslice.kubernetes.io/managed-by";

    private static readonly string[] SystemGroups =
    [
        "system:nodes", "system:serviceaccounts:kube-system", "system:serviceaccounts:knative-serving",
        "system:serviceaccounts:knative-eventing", "system:serviceaccounts:knative-build",
    ];

    /// <summary>Whether a part of the platform writes: a controller or the node.</summary>
    public static bool IsSystem(KubeUser user) =>
        user.Name.StartsWith("system:knet:", StringComparison.Ordinal) || user.Groups.Any(SystemGroups.Contains);

    /// <summary>The durability of a creation or change.</summary>
    public static Durability Of(WriteContext write)
    {
        var system = IsSystem(write.User);
        if (write.Stored is { } stored)
        {
            // An object that lives in memory only stays there, whoever touches it: its owner makes it again.
            return !stored.OnDisk ? Durability.Volatile
                : system && (write.Subresource is "status" or "scale" or "binding" || IsObservation(write.Hub) || Follows(write)) ? Durability.Behind
                : Durability.Committed;
        }

        return !system ? Durability.Committed
            : CanBeMadeAgain(write.Hub, write.Object) ? Durability.Volatile
            : IsObservation(write.Hub) ? Durability.Behind
            : Durability.Committed;
    }

    /// <summary>The durability of a removal.</summary>
    public static Durability OfRemoval(KindInfo hub, KubeUser user) =>
        IsSystem(user) && IsObservation(hub) ? Durability.Behind : Durability.Committed;

    /// <summary>
    /// Whether managedFields are kept up. Not for what the platform makes and can make again: nobody applies to it, and it is what a cold
    /// start waits for.
    /// </summary>
    public static bool TracksFields(WriteContext write) => !(IsSystem(write.User) && CanBeMadeAgain(write.Hub, write.Object));

    // What a controller keeps as its owner says is brought there again after a crash: a ReplicaSet's scale, on which a cold start waits.
    private static bool Follows(WriteContext write) => write.Hub.Type.GroupResource == "replicasets.apps"
        && write.Object.Object("metadata").Items("ownerReferences").Any(r => r.Flag("controller") == true && r.Text("kind") == "Deployment");

    // Events, Leases and endpoints say what is so; nobody waits for them.
    private static bool IsObservation(KindInfo hub) => hub.Type.GroupResource is
        "events" or "leases.coordination.k8s.io" or "endpoints" or "endpointslices.discovery.k8s.io";

    private static bool CanBeMadeAgain(KindInfo hub, JsonObject value) => hub.Type.GroupResource switch
    {
        "leases.coordination.k8s.io" => true,
        "pods" => value.Object("metadata").Items("ownerReferences")
            .Any(r => r.Flag("controller") == true && r.Text("kind") == "ReplicaSet"),
        "endpointslices.discovery.k8s.io" => value.Object("metadata").Object("labels").Text(ManagedBy) == "endpointslice-controller.k8s.io",
        "endpoints" => value.Object("metadata").Object("labels").Text("endpoints.kubernetes.io/managed-by") == "endpoint-controller",
        _ => false,
    };
}
