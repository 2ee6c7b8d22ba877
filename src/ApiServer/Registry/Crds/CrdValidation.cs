using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>What a CustomResourceDefinition may say, in Kubernetes' words (apiextensions.k8s.io/v1 validation).</summary>
/// <remarks>
/// Kubernetes checks CRDs in an older form, in which what all versions have in common stands above them. Its paths show that:
/// <c>spec.validation.openAPIV3Schema</c> when all schemas are the same, <c>spec.versions[i].schema.openAPIV3Schema</c> else.
/// </remarks>
internal sealed class CrdValidation(WriteContext write, FieldErrors errors)
{
    private const string Approval = "api-approved.kubernetes.io";
    private const string SeeApproval = ", see https://github.com/kubernetes/enhancements/pull/1111";
    private const int WarningLengthMax = 256;
    private static readonly string[] ColumnTypes = ["boolean", "date", "integer", "number", "string"];
    private static readonly string[] ColumnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

    private readonly JsonObject? _spec = write.Object.Object("spec");

    public void Check()
    {
        CheckName();
        CheckGroup();
        CheckApproval();
        if (_spec.Text("scope") is not ("Namespaced" or "Cluster"))
        {
            if (_spec.Text("scope") is not { Length: > 0 })
            {
                errors.Required("spec.scope");
            }
            else
            {
                errors.NotSupported("spec.scope", _spec?["scope"]?.DeepClone(), "Cluster", "Namespaced");
            }
        }

        if (_spec.Flag("preserveUnknownFields") == true)
        {
            errors.Invalid(
                "spec.preserveUnknownFields", true,
                "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
        }

        CheckNames();
        CheckVersions();
        CheckConversion();
        CheckStoredVersions();
        CheckUnchanged();
    }

    private void CheckName()
    {
        var expected = $"{_spec.Object("names").Text("plural")}.{_spec.Text("group")}";
        if (write.Name != expected)
        {
            errors.Invalid("metadata.name", write.Name, "must be spec.names.plural+\".\"+spec.group");
        }
    }

    private void CheckGroup()
    {
        if (_spec.Text("group") is not { Length: > 0 } group)
        {
            errors.Required("spec.group");
        }
        else if (DnsNames.Check1123Subdomain(group) is { } problem)
        {
            errors.Invalid("spec.group", group, problem);
        }
        else if (!group.Contains('.', StringComparison.Ordinal))
        {
            errors.Invalid("spec.group", group, "should be a domain with at least one dot");
        }
    }

    // Groups of the Kubernetes project need its word; what was let in without stays.
    private void CheckApproval()
    {
        if (_spec.Text("group") is not { } group || !(IsWithin(group, "k8s.io") || IsWithin(group, "kubernetes.io")) || !write.IsCreate)
        {
            return;
        }

        const string Path = $"metadata.annotations[{Approval}]";
        var given = write.Object.Metadata().Object("annotations").Text(Approval);
        if (string.IsNullOrEmpty(given))
        {
            errors.Required(Path, $"protected groups must have approval annotation \"{Approval}\"{SeeApproval}");
        }
        else if (!given.StartsWith("unapproved", StringComparison.Ordinal)
            && !(Uri.TryCreate(given, UriKind.Absolute, out var link) && link.Host.Length > 0))
        {
            errors.Invalid(
                Path, given,
                $"protected groups must have approval annotation \"{Approval}\" with either a URL or a reason starting with \"unapproved\""
                + SeeApproval);
        }
    }

    private static bool IsWithin(string group, string domain) => group == domain || group.EndsWith("." + domain, StringComparison.Ordinal);

    private void CheckNames()
    {
        var names = _spec.Object("names");
        foreach (var member in (string[])["plural", "singular", "kind", "listKind"])
        {
            var path = "spec.names." + member;
            if (names.Text(member) is not { Length: > 0 } name)
            {
                errors.Required(path);
            }
            else if (member is "kind" or "listKind")
            {
                CheckLabel(path, name.ToLowerInvariant(), name, "may have mixed case, but should otherwise match: ");
            }
            else
            {
                CheckLabel(path, name, name);
            }
        }

        foreach (var member in (string[])["shortNames", "categories"])
        {
            var i = 0;
            foreach (var name in names.Texts(member))
            {
                CheckLabel($"spec.names.{member}[{i++}]", name, name);
            }
        }

        if (names.Text("kind") is { Length: > 0 } kind && kind == names.Text("listKind"))
        {
            errors.Invalid("spec.names.listKind", kind, "kind and listKind may not be the same");
        }
    }

    private void CheckLabel(string path, string label, string shown, string before = "")
    {
        if (DnsNames.Check1035Label(label) is { } problem)
        {
            errors.Invalid(path, shown, before + problem);
        }
    }

    private void CheckVersions()
    {
        var versions = _spec.Items("versions").ToList();
        var (schemas, subresources, columns) = (IsCommon(versions, "schema"), IsCommon(versions, "subresources"),
            IsCommon(versions, "additionalPrinterColumns"));
        for (var i = 0; i < versions.Count; i++)
        {
            var version = versions[i];
            var path = $"spec.versions[{i}]";
            CheckLabel(path + ".name", version.Text("name") ?? "", version.Text("name") ?? "");
            CheckDeprecation(version, path);
            CheckSchema(version, path + ".schema", schemas ? "spec.validation" : path + ".schema", i > 0 && schemas);
            if (i == 0 || !subresources)
            {
                CheckScale(version.Object("subresources").Object("scale"), (subresources ? "spec" : path) + ".subresources.scale");
            }

            if (i == 0 || !columns)
            {
                CheckColumns(version, (columns ? "spec" : path) + ".additionalPrinterColumns");
            }
        }

        if (versions.Select(v => v.Text("name")).Distinct().Count() != versions.Count)
        {
            errors.Invalid("spec.versions", _spec?["versions"]?.DeepClone(), "must contain unique version names");
        }

        if (versions.Count(v => v.Flag("storage") == true) != 1)
        {
            errors.Invalid("spec.versions", _spec?["versions"]?.DeepClone(), "must have exactly one version marked as storage version");
        }
    }

    private static bool IsCommon(List<JsonObject> versions, string member) =>
        versions.All(v => JsonNode.DeepEquals(v[member], versions[0][member]));

    private void CheckDeprecation(JsonObject version, string path)
    {
        if (version.Text("deprecationWarning") is not { } text)
        {
            return;
        }

        path += ".deprecationWarning";
        if (version.Flag("deprecated") != true)
        {
            errors.Invalid(path, text, "can only be set for deprecated versions");
        }

        if (text.Length is 0 or > WarningLengthMax)
        {
            errors.Invalid(path, text, text.Length == 0 ? "must not be an empty string" : $"must be <= {WarningLengthMax} characters long");
        }

        if (text.ToList().FindIndex(char.IsControl) is >= 0 and var at)
        {
            errors.Invalid(path, text, $"must only contain printable UTF-8 characters; non-printable character found at index {at}");
        }
    }

    private void CheckSchema(JsonObject version, string ownPath, string path, bool isRepeated)
    {
        if (version.Object("schema").Object("openAPIV3Schema") is not { } schema)
        {
            errors.Required(ownPath + ".openAPIV3Schema");
        }
        else if (!isRepeated)
        {
            var rules = new SchemaRules(errors);
            rules.Check(schema, path + ".openAPIV3Schema", version.Object("subresources")?["status"] is not null);
            if (rules.FirstExpression is { } expression)
            {
                write.Warnings.Add($"{expression}: CEL rules are stored and not evaluated by this server");
            }
        }
    }

    private void CheckScale(JsonObject? scale, string path)
    {
        if (scale is null)
        {
            return;
        }

        CheckScalePath(scale.Text("specReplicasPath") ?? "", path + ".specReplicasPath", ".spec.", "should be a json path under .spec");
        CheckScalePath(scale.Text("statusReplicasPath") ?? "", path + ".statusReplicasPath", ".status.", "should be a json path under .status");
        if (scale.Text("labelSelectorPath") is { Length: > 0 } selector)
        {
            CheckScalePath(
                selector, path + ".labelSelectorPath", selector.StartsWith(".spec.", StringComparison.Ordinal) ? ".spec." : ".status.",
                "should be a json path under either .spec or .status");
        }
    }

    private void CheckScalePath(string given, string path, string prefix, string rule)
    {
        if (given.Length == 0)
        {
            errors.Required(path);
        }
        else if (given[0] != '.')
        {
            errors.Invalid(path, given, "must be a simple json path starting with .");
        }
        else if (!given.StartsWith(prefix, StringComparison.Ordinal))
        {
            errors.Invalid(path, given, rule);
        }
    }

    private void CheckColumns(JsonObject version, string path)
    {
        var i = 0;
        foreach (var column in version.Items("additionalPrinterColumns"))
        {
            CheckColumn(column, $"{path}[{i++}]");
        }
    }

    private void CheckColumn(JsonObject column, string path)
    {
        if (string.IsNullOrEmpty(column.Text("name")))
        {
            errors.Required(path + ".name");
        }

        var types = "must be one of " + string.Join(',', ColumnTypes);
        if (column.Text("type") is not { Length: > 0 } type)
        {
            errors.Required(path + ".type", types);
        }
        else if (!ColumnTypes.Contains(type))
        {
            errors.Invalid(path + ".type", type, types);
        }

        if (column.Text("format") is { Length: > 0 } format && !ColumnFormats.Contains(format))
        {
            errors.Invalid(path + ".format", format, "must be one of " + string.Join(',', ColumnFormats));
        }

        if (column.Text("jsonPath") is not { Length: > 0 } jsonPath)
        {
            errors.Required(path + ".JSONPath");
        }
        else if (jsonPath[0] != '.')
        {
            errors.Invalid(path + ".JSONPath", jsonPath, "must be a simple json path starting with .");
        }
    }

    private void CheckConversion()
    {
        var conversion = _spec.Object("conversion");
        var webhook = conversion?["webhook"];
        switch (conversion.Text("strategy"))
        {
            case "None":
                if (webhook is not null)
                {
                    errors.Forbidden("spec.conversion.webhookClientConfig", "should not be set when strategy is not set to Webhook");
                }

                break;
            case "Webhook":
                if ((webhook as JsonObject)?["clientConfig"] is null)
                {
                    errors.Required("spec.conversion.webhookClientConfig", "required when strategy is set to Webhook");
                }

                if (_spec.Items("versions").Count(v => v.Flag("served") == true) > 1)
                {
                    write.Warnings.Add(
                        "spec.conversion: conversion webhooks are not called by this server: objects change their apiVersion and nothing else");
                }

                break;
            default:
                errors.NotSupported("spec.conversion.strategy", conversion?["strategy"]?.DeepClone(), "None", "Webhook");
                break;
        }
    }

    // A version that objects were stored in must stay readable.
    private void CheckStoredVersions()
    {
        var names = _spec.Items("versions").Select(v => v.Text("name")).ToHashSet();
        var i = 0;
        foreach (var stored in write.Object.Object("status").Texts("storedVersions"))
        {
            if (!names.Contains(stored))
            {
                errors.Invalid(
                    $"status.storedVersions[{i}]", stored,
                    $"missing from spec.versions; {stored} was previously a storage version, and must remain in spec.versions until a storage "
                    + $"migration ensures no data remains persisted in {stored} and removes {stored} from status.storedVersions");
            }

            i++;
        }
    }

    private void CheckUnchanged()
    {
        if (write.Old.Object("spec") is not { } old)
        {
            return;
        }

        if (CrdNames.IsTrue(write.Old!, CrdNames.Established))
        {
            Unchanged(old, _spec, "scope", "spec.scope");
            Unchanged(old.Object("names"), _spec.Object("names"), "kind", "spec.names.kind");
        }

        Unchanged(old, _spec, "group", "spec.group");
        Unchanged(old.Object("names"), _spec.Object("names"), "plural", "spec.names.plural");
    }

    private void Unchanged(JsonObject? old, JsonObject? now, string member, string path)
    {
        if (!JsonNode.DeepEquals(old?[member], now?[member]))
        {
            errors.Invalid(path, now?[member]?.DeepClone(), "field is immutable");
        }
    }
}
