using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Knet.ApiServer.Registry;

/// <summary>Kubernetes' rules for names, labels, annotations, finalizers and owner references.</summary>
internal static partial class MetadataRules
{
    public const string SubdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'example.com', regex used for validation is "
        + @"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    public const string LabelRule =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
        + "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    public const string Dns1035Rule =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
        + "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    private const string LabelValueRule =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private const string QualifiedNameRule =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

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
            else if (!IsQualifiedName(key.ToLowerInvariant()))
            {
                errors.Invalid("metadata.annotations", key, QualifiedNameRule);
            }
        }

        ValidateFinalizers(write, metadata, errors);
        ValidateOwners(metadata, errors);
    }

    public static void ValidateLabels(JsonObject holder, string path, FieldErrors errors)
    {
        foreach (var (key, value) in holder.Object("labels") ?? [])
        {
            if (!IsQualifiedName(key))
            {
                errors.Invalid(path, key, QualifiedNameRule);
            }

            if (value?.GetValueKind() != JsonValueKind.String || !LabelValue().IsMatch(value.GetValue<string>()))
            {
                errors.Invalid(path, value?.DeepClone(), LabelValueRule);
            }
            else if (value.GetValue<string>().Length > 63)
            {
                errors.Invalid(path, value.DeepClone(), "must be no more than 63 bytes");
            }
        }
    }

    public static bool IsLabel(string text) => text.Length <= 63 && Label().IsMatch(text);

    public static bool IsDns1035(string text) => text.Length <= 63 && Dns1035().IsMatch(text);

    public static bool IsSubdomain(string text) => text.Length <= 253 && Subdomain().IsMatch(text);

    public static bool IsQualifiedName(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var name = text[(slash + 1)..];
        return name.Length is > 0 and <= 63 && LabelValue().IsMatch(name) && (slash < 0 || IsSubdomain(text[..slash]));
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
            case "namespaces" when !IsLabel(name):
                errors.Invalid(Path, name, LabelRule);
                break;
            case "services" when !IsDns1035(name):
                errors.Invalid(Path, name, Dns1035Rule);
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
                if (!IsSubdomain(name))
                {
                    errors.Invalid(Path, name, name.Length > 253 ? "must be no more than 253 characters" : SubdomainRule);
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

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex Label();

    [GeneratedRegex("^[a-z]([-a-z0-9]*[a-z0-9])?$")]
    private static partial Regex Dns1035();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex Subdomain();

    [GeneratedRegex("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
    private static partial Regex LabelValue();
}
