using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry;

/// <summary>Kubernetes' rules for names, labels, annotations, finalizers and owner references.</summary>
internal static class MetadataRules
{
    public static void Validate(WriteContext write, FieldErrors errors)
    {
        var metadata = write.Object.Metadata();
        if (write.IsCreate)
        {
            ValidateName(write, errors);
        }

        ValidateLabels(metadata, "metadata.labels", errors);
        foreach (var (key, value) in metadata.Object("annotations") ?? [])
        {
            if (value?.GetValueKind() != JsonValueKind.String)
            {
                errors.Invalid("metadata.annotations", value?.DeepClone(), $"the value of {key} must be a string");
            }
            else if (!DnsNames.IsQualifiedName(key.ToLowerInvariant()))
            {
                errors.Invalid("metadata.annotations", key, DnsNames.QualifiedNameMessage);
            }
        }

        ValidateFinalizers(write, metadata, errors);
        ValidateOwners(metadata, errors);
    }

    public static void ValidateLabels(JsonObject holder, string path, FieldErrors errors)
    {
        foreach (var (key, value) in holder.Object("labels") ?? [])
        {
            if (!DnsNames.IsQualifiedName(key))
            {
                errors.Invalid(path, key, DnsNames.QualifiedNameMessage);
            }

            if (value?.GetValueKind() != JsonValueKind.String || !DnsNames.HasLabelCharacters(value.GetValue<string>()))
            {
                errors.Invalid(path, value?.DeepClone(), DnsNames.LabelValueMessage);
            }
            else if (value.GetValue<string>().Length > 63)
            {
                errors.Invalid(path, value.DeepClone(), "must be no more than 63 bytes");
            }
        }
    }

    private static void ValidateName(WriteContext write, FieldErrors errors)
    {
        const string Path = "metadata.name";
        var name = write.Name;
        if (name.Length == 0)
        {
            errors.Required(Path, "name or generateName is required");
            return;
        }

        switch (write.Hub.Type.GroupResource)
        {
            case "namespaces" when !DnsNames.Is1123Label(name):
                errors.Invalid(Path, name, DnsNames.Label1123Message);
                break;
            case "services" when !DnsNames.Is1035Label(name):
                errors.Invalid(Path, name, DnsNames.Label1035Message);
                break;
            case "namespaces" or "services":
                break;
            case var resource when resource.EndsWith(".rbac.authorization.k8s.io", StringComparison.Ordinal):
                if (name is "." or ".." || name.AsSpan().IndexOfAny('/', '%') >= 0)
                {
                    errors.Invalid(Path, name, "may not contain '/' or '%', and may not be '.' or '..'");
                }

                break;
            default:
                if (!DnsNames.Is1123Subdomain(name))
                {
                    errors.Invalid(Path, name, name.Length > 253 ? "must be no more than 253 characters" : DnsNames.Subdomain1123Message);
                }

                break;
        }
    }

    private static void ValidateFinalizers(WriteContext write, JsonObject metadata, FieldErrors errors)
    {
        if (!write.Object.IsDeleting() || write.Old is not { } old || !old.IsDeleting())
        {
            return;
        }

        var added = metadata.Texts("finalizers").Except(old.Object("metadata").Texts("finalizers")).ToList();
        if (added.Count > 0)
        {
            var list = string.Join(", ", added.Select(a => $"\"{a}\""));
            errors.Forbidden(
                "metadata.finalizers", $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}");
        }
    }

    private static void ValidateOwners(JsonObject metadata, FieldErrors errors)
    {
        var controllers = 0;
        foreach (var owner in metadata.Items("ownerReferences"))
        {
            foreach (var member in (string[])["apiVersion", "kind", "name", "uid"])
            {
                if (owner.Text(member) is not { Length: > 0 })
                {
                    errors.Invalid("metadata.ownerReferences." + member, "", $"{(member == "apiVersion" ? "version" : member)} must not be empty");
                }
            }

            controllers += owner.Flag("controller") == true ? 1 : 0;
        }

        if (controllers > 1)
        {
            errors.Invalid(
                "metadata.ownerReferences", metadata["ownerReferences"]!.DeepClone(), "Only one reference can have Controller set to true");
        }
    }
}
