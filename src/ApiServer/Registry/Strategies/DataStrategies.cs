using System.Text;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>ConfigMaps and what they share with Secrets: keys, size, immutability.</summary>
internal class ConfigMapStrategy : KindStrategy
{
    // As in Kubernetes: what etcd can hold.
    private const int BytesMax = 1024 * 1024;

    // Keys that say something of the embedded platform itself, such as the gateway's port; Kubernetes knows no slash (decision 7).
    private const string OwnPrefix = "knet.dev/";

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var size = 0;
        foreach (var member in (string[])["data", "binaryData"])
        {
            foreach (var (key, value) in write.Object.Object(member) ?? [])
            {
                size += value?.ToString().Length ?? 0;
                if (!IsKey(key.StartsWith(OwnPrefix, StringComparison.Ordinal) ? key[OwnPrefix.Length..] : key))
                {
                    errors.Invalid(
                        $"{member}[{key}]", key,
                        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
                        + "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
                }
            }
        }

        if (size > BytesMax)
        {
            errors.Forbidden("", $"may not be more than {BytesMax} bytes");
        }

        if (write.Old is { } old && old.Flag("immutable") == true)
        {
            if (write.Object.Flag("immutable") != true)
            {
                errors.Forbidden("immutable", "field is immutable when `immutable` is set");
            }

            if (!JsonNode.DeepEquals(old["data"], write.Object["data"]) || !JsonNode.DeepEquals(old["binaryData"], write.Object["binaryData"]))
            {
                errors.Forbidden("data", "field is immutable when `immutable` is set");
            }
        }
    }

    private static bool IsKey(string key) =>
        key.Length is > 0 and <= 253 && key is not ("." or "..") && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}

/// <summary>Secrets: <c>stringData</c> becomes <c>data</c>, the type never changes.</summary>
internal sealed class SecretStrategy(AccountTokenSecrets accountTokens) : ConfigMapStrategy
{
    private static readonly Dictionary<string, string[]> NeededKeys = new(StringComparer.Ordinal)
    {
        ["kubernetes.io/tls"] = ["tls.crt", "tls.key"],
        ["kubernetes.io/dockerconfigjson"] = [".dockerconfigjson"],
        ["kubernetes.io/dockercfg"] = [".dockercfg"],
        ["kubernetes.io/ssh-auth"] = ["ssh-privatekey"],
    };

    public override void Default(JsonObject value)
    {
        if (value.Text("type") is not { Length: > 0 })
        {
            value["type"] = "Opaque";
        }

        if (value.Object("stringData") is { } texts)
        {
            var data = value.Ensure("data");
            foreach (var (key, text) in texts)
            {
                data[key] = Convert.ToBase64String(Encoding.UTF8.GetBytes(text?.ToString() ?? ""));
            }

            value.Remove("stringData");
        }
    }

    public override void Complete(WriteContext write) => accountTokens.Fill(write.Object);

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        base.Validate(write, errors);
        AccountTokenSecrets.Validate(write.Object, errors);
        foreach (var (key, value) in write.Object.Object("data") ?? [])
        {
            var text = value?.ToString() ?? "";
            if (!System.Buffers.Text.Base64.IsValid(text))
            {
                throw Refusals.BadRequest(
                    $"Secret in version \"v1\" cannot be handled as a Secret: data.{key}: illegal base64 data");
            }
        }

        foreach (var key in NeededKeys.GetValueOrDefault(write.Object.Text("type") ?? "", []))
        {
            if (write.Object.Object("data")?[key] is null)
            {
                errors.Required($"data[{key}]");
            }
        }

        if (write.Old is { } old && old.Text("type") != write.Object.Text("type"))
        {
            errors.Invalid("type", write.Object.Text("type"), "field is immutable");
        }
    }
}

/// <summary>Events: core/v1, which events.k8s.io/v1 shares.</summary>
internal sealed class EventStrategy : KindStrategy
{
    public override void Default(JsonObject value)
    {
        value.Default("type", "Normal");
        value.Default("source", new JsonObject());
        value.Default("reportingComponent", "");
        value.Default("reportingInstance", "");
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var ns = write.Object.Object("involvedObject").Text("namespace") ?? "";
        if (ns.Length > 0 && ns != write.Namespace)
        {
            errors.Invalid("involvedObject.namespace", ns, "does not match event.namespace");
        }
        else if (ns.Length == 0 && write.Namespace is not ("default" or "kube-system"))
        {
            errors.Invalid("involvedObject.namespace", ns, "does not match event.namespace");
        }
    }
}

/// <summary>Kinds about which nothing is special but that their specification's changes are counted.</summary>
internal sealed class CountedStrategy : KindStrategy
{
    public override bool HasGeneration => true;
}

/// <summary>Disruption budgets.</summary>
internal sealed class DisruptionBudgetStrategy : KindStrategy
{
    public override bool HasGeneration => true;

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        if (spec?["minAvailable"] is not null && spec["maxUnavailable"] is not null)
        {
            errors.Invalid("spec", spec.DeepClone(), "minAvailable and maxUnavailable cannot be both set");
        }

        if (spec.Text("unhealthyPodEvictionPolicy") is { } policy and not ("IfHealthyBudget" or "AlwaysAllow"))
        {
            errors.NotSupported("spec.unhealthyPodEvictionPolicy", policy, "AlwaysAllow", "IfHealthyBudget");
        }
    }
}

/// <summary>Horizontal pod autoscalers: stored with their defaults.</summary>
internal sealed class AutoscalerStrategy : KindStrategy
{
    public override void Default(JsonObject value) => value.Ensure("spec").Default("minReplicas", 1);

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        if (spec.Object("scaleTargetRef").Text("name") is not { Length: > 0 })
        {
            errors.Required("spec.scaleTargetRef.name");
        }

        if (spec.Number("maxReplicas") is not (>= 1 and var most))
        {
            errors.Invalid("spec.maxReplicas", spec?["maxReplicas"]?.DeepClone() ?? 0, "must be greater than 0");
        }
        else if (most < spec.Number("minReplicas"))
        {
            errors.Invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`");
        }
    }
}
