using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Kinds;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Claims for volumes: the default class, protection while in use, and what may not change.</summary>
internal sealed class ClaimStrategy(RegistryParts parts) : KindStrategy
{
    private const string DefaultClass = "storageclass.kubernetes.io/is-default-class";
    private static readonly string[] AccessModes = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];

    public override void Default(JsonObject value) => value.Ensure("spec").Default("volumeMode", "Filesystem");

    public override void PrepareCreate(WriteContext write) => Add(write.Object, "kubernetes.io/pvc-protection");

    public override void Complete(WriteContext write)
    {
        if (!write.IsCreate)
        {
            return;
        }

        write.Object["status"] = new JsonObject { ["phase"] = "Pending" };
        if (write.Object.Ensure("spec") is var spec && spec["storageClassName"] is null && FindDefault() is { } name)
        {
            spec["storageClassName"] = name;
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        ValidateModes(spec, errors);
        var wanted = spec.Object("resources").Object("requests")?["storage"]?.ToString();
        if (wanted is null)
        {
            errors.Required("spec.resources[storage]");
        }
        else if (!Quantities.TryParse(wanted, out var amount) || amount <= 0)
        {
            errors.Invalid("spec.resources[storage]", wanted, "must be greater than zero");
        }

        if (write.Old.Object("spec") is { } old)
        {
            Changes(write, old, spec!, errors);
        }
    }

    /// <summary>As Kubernetes' protection of volumes in use adds it.</summary>
    internal static void Add(JsonObject value, string finalizer)
    {
        var metadata = value.Metadata();
        if (!metadata.Texts("finalizers").Contains(finalizer))
        {
            metadata["finalizers"] = JsonMembers.ToArray([.. metadata.Texts("finalizers"), finalizer]);
        }
    }

    internal static void ValidateModes(JsonObject? spec, FieldErrors errors)
    {
        if (spec.Array("accessModes") is not { Count: > 0 })
        {
            errors.Required("spec.accessModes", "at least 1 access mode is required");
        }

        foreach (var mode in spec.Texts("accessModes").Where(m => !AccessModes.Contains(m)))
        {
            errors.NotSupported("spec.accessModes", mode, AccessModes);
        }

        if (spec.Text("volumeMode") is { } form and not ("Filesystem" or "Block"))
        {
            errors.NotSupported("spec.volumeMode", form, "Block", "Filesystem");
        }
    }

    private static void Changes(WriteContext write, JsonObject old, JsonObject spec, FieldErrors errors)
    {
        var (before, after) = (old.DeepClone().AsObject(), spec.DeepClone().AsObject());
        if (before.Text("volumeName") is null or "")
        {
            before.Take("volumeName", after); // binding it
        }

        if (before["storageClassName"] is null)
        {
            before.Take("storageClassName", after);
        }

        before.Remove("resources");
        after.Remove("resources");
        if (!JsonNode.DeepEquals(before, after))
        {
            errors.Forbidden(
                "spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
        }
        else if (old.Object("resources").Object("requests")?["storage"]?.ToString()
            != spec.Object("resources").Object("requests")?["storage"]?.ToString())
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name,
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
        }
    }

    // Of several default classes the newest counts.
    private string? FindDefault()
    {
        var classes = parts.Store.Snapshot(KindSource.TableOf(ResourceType.Of<k8s.Models.V1StorageClass>())).Range("", null);
        return classes.Select(c => c.Document.Metadata)
            .Where(m => m.Annotations?.TryGetValue(DefaultClass, out var text) == true && text == "true")
            .OrderByDescending(m => m.CreationTimestamp).ThenBy(m => m.Name, StringComparer.Ordinal).FirstOrDefault()?.Name;
    }
}

/// <summary>Volumes that an administrator made, or the class of a claim.</summary>
internal sealed class VolumeStrategy : KindStrategy
{
    private static readonly string[] NoSources =
    [
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName",
        "volumeAttributesClassName", "volumeMode",
    ];

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        spec.Default("volumeMode", "Filesystem");
        spec.Default("persistentVolumeReclaimPolicy", "Retain");
    }

    public override void PrepareCreate(WriteContext write) => ClaimStrategy.Add(write.Object, "kubernetes.io/pv-protection");

    public override void Complete(WriteContext write)
    {
        if (write.IsCreate)
        {
            write.Object["status"] = new JsonObject { ["phase"] = "Pending" };
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        ClaimStrategy.ValidateModes(spec, errors);
        if (spec.Object("capacity")?["storage"] is null)
        {
            errors.Required("spec.capacity");
        }

        var sources = Sources(spec);
        if (sources.Count == 0)
        {
            errors.Required("spec", "must specify a volume type");
        }
        else if (sources.Count > 1)
        {
            errors.Forbidden($"spec.{sources[1].Key}", "may not specify more than 1 volume type");
        }

        if (spec.Text("persistentVolumeReclaimPolicy") is var policy and not ("Delete" or "Recycle" or "Retain"))
        {
            errors.NotSupported("spec.persistentVolumeReclaimPolicy", policy ?? "", "Delete", "Recycle", "Retain");
        }

        if (write.Old is { } old && !JsonNode.DeepEquals(
            new JsonObject(Sources(old.Object("spec")).Select(Copy)), new JsonObject(sources.Select(Copy))))
        {
            errors.Forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
        }
    }

    private static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> member) => new(member.Key, member.Value?.DeepClone());

    private static List<KeyValuePair<string, JsonNode?>> Sources(JsonObject? spec) =>
        [.. (spec ?? []).Where(m => m.Value is not null && !NoSources.Contains(m.Key))];
}

/// <summary>Storage classes.</summary>
internal sealed class StorageClassStrategy : KindStrategy
{
    public override void Default(JsonObject value)
    {
        value.Default("reclaimPolicy", "Delete");
        value.Default("volumeBindingMode", "Immediate");
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        if (write.Object.Text("provisioner") is not { Length: > 0 })
        {
            errors.Required("provisioner");
        }

        if (write.Object.Text("volumeBindingMode") is var mode and not ("Immediate" or "WaitForFirstConsumer"))
        {
            errors.NotSupported("volumeBindingMode", mode ?? "", "Immediate", "WaitForFirstConsumer");
        }

        foreach (var member in write.Old is null ? [] : (string[])["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"])
        {
            if (!JsonNode.DeepEquals(write.Old![member], write.Object[member]))
            {
                errors.Forbidden(member, $"updates to {member} are forbidden.");
            }
        }
    }
}
