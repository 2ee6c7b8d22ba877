using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry;

/// <summary>What an update cannot change, taken over from the stored object: fixed metadata, and the part the subresource leaves alone.</summary>
internal static class CarryOver
{
    private static readonly string[] Fixed =
    [
        "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink", "generateName", "namespace",
    ];

    public static void Into(WriteContext write)
    {
        var old = write.Old!;
        switch (write.Subresource)
        {
            case "status":
                KeepAllButStatus(write, old);
                break;
            case "finalize":
                KeepAllButFinalizers(write, old);
                break;
            case "binding": // sets the node and the PodScheduled condition in one write
                break;
            default:
                if (write.Hub.HasStatus)
                {
                    write.Object.Take("status", old);
                }

                break;
        }

        var metadata = write.Object.Metadata();
        foreach (var member in Fixed)
        {
            metadata.Take(member, old.Object("metadata"));
        }

        KeepManagers(write, metadata, old);
        metadata.Remove("resourceVersion");
    }

    private static void KeepAllButStatus(WriteContext write, JsonObject old)
    {
        var wanted = write.Object;
        var result = old.DeepClone().AsObject();
        result.Take("status", wanted);

        // Kubernetes lets status writers of built-in kinds touch labels, annotations and finalizers, those of custom resources nothing.
        var metadata = result.Metadata();
        foreach (var member in write.Hub.IsCustom ? [] : (string[])["labels", "annotations", "finalizers"])
        {
            metadata.Take(member, wanted.Object("metadata"));
        }

        metadata.Take("managedFields", wanted.Object("metadata"));
        write.Object = result;
    }

    private static void KeepAllButFinalizers(WriteContext write, JsonObject old)
    {
        var finalizers = write.Object.Object("spec")?["finalizers"]?.DeepClone();
        var result = old.DeepClone().AsObject();
        result.Ensure("spec")["finalizers"] = finalizers ?? new JsonArray();
        write.Object = result;
    }

    // An update that leaves managedFields out, or empty, keeps them; one that sends some means them; apply has computed them.
    private static void KeepManagers(WriteContext write, JsonObject metadata, JsonObject old)
    {
        if (write.Request.Patch != Kube.Client.PatchKind.Apply && metadata.Array("managedFields") is not { Count: > 0 })
        {
            metadata.Take("managedFields", old.Object("metadata"));
        }
    }
}
