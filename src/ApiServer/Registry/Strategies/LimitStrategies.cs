using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Admission.Quota;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Resource quotas: which names may be limited, and that the scopes never change.</summary>
internal sealed class ResourceQuotaStrategy : KindStrategy
{
    private static readonly HashSet<string> Standard = new(StringComparer.Ordinal)
    {
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage",
        "limits.cpu", "limits.memory", "limits.ephemeral-storage", "services.nodeports", "services.loadbalancers",
    };

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        foreach (var (name, node) in spec.Object("hard") ?? [])
        {
            var text = node?.ToString() ?? "";
            var whole = Counted.PlainKinds.Contains(name) || name.StartsWith("count/", StringComparison.Ordinal)
                || name.StartsWith("services.", StringComparison.Ordinal);
            if (!whole && !Standard.Contains(name) && !name.Contains('/', StringComparison.Ordinal)
                && !name.StartsWith("hugepages-", StringComparison.Ordinal) && !name.StartsWith("requests.hugepages-", StringComparison.Ordinal))
            {
                errors.Invalid($"spec.hard[{name}]", name, "must be a standard resource for quota");
            }

            if (!Quantities.TryParse(text, out var value))
            {
                errors.Invalid(
                    $"spec.hard[{name}]", text, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
            }
            else if (value < 0)
            {
                errors.Invalid($"spec.hard[{name}]", text, "must be greater than or equal to 0");
            }
            else if (whole && value != decimal.Truncate(value))
            {
                errors.Invalid($"spec.hard[{name}]", text, "must be an integer");
            }
        }

        foreach (var scope in spec.Texts("scopes").Where(s => !QuotaScopes.Names.Contains(s)))
        {
            errors.Invalid("spec.scopes", scope, "unsupported scope");
        }

        if (write.Old is { } old && !JsonNode.DeepEquals(old.Object("spec")?["scopes"], spec?["scopes"]))
        {
            errors.Invalid("spec.scopes", spec?["scopes"]?.DeepClone(), "field is immutable");
        }
    }
}

/// <summary>Limit ranges: of containers, the defaults follow from each other as in Kubernetes.</summary>
internal sealed class LimitRangeStrategy : KindStrategy
{
    private static readonly string[] Lists = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"];

    private static readonly (string Lower, string Upper)[] Ordered =
    [
        ("min", "max"), ("min", "defaultRequest"), ("min", "default"), ("defaultRequest", "default"), ("defaultRequest", "max"),
        ("default", "max"),
    ];

    public override void Default(JsonObject value)
    {
        foreach (var item in value.Object("spec").Items("limits").Where(i => i.Text("type") == "Container"))
        {
            Fill(item, "default", "max");
            Fill(item, "defaultRequest", "default");
            Fill(item, "defaultRequest", "min");
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var index = 0;
        foreach (var item in write.Object.Object("spec").Items("limits"))
        {
            var path = $"spec.limits[{index++}]";
            if (item.Text("type") is not { Length: > 0 })
            {
                errors.Required(path + ".type");
            }

            foreach (var list in Lists)
            {
                foreach (var (name, amount) in item.Object(list) ?? [])
                {
                    if (!Quantities.TryParse(amount?.ToString(), out _))
                    {
                        errors.Invalid(
                            $"{path}.{list}[{name}]", amount?.DeepClone(),
                            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
                    }
                }
            }

            InOrder(item, path, errors);
        }
    }

    private static void Fill(JsonObject item, string list, string from)
    {
        foreach (var (name, amount) in item.Object(from) ?? [])
        {
            item.Ensure(list).Default(name, amount!.DeepClone());
        }
    }

    private static void InOrder(JsonObject item, string path, FieldErrors errors)
    {
        foreach (var (lower, upper) in Ordered)
        {
            foreach (var (name, amount) in item.Object(lower) ?? [])
            {
                if (item.Object(upper)?[name]?.ToString() is { } other && Quantities.TryParse(amount?.ToString(), out var less)
                    && Quantities.TryParse(other, out var more) && less > more)
                {
                    errors.Invalid(
                        $"{path}.{lower}[{name}]", amount!.ToString(), $"{lower} value {amount} is greater than {upper} value {other}");
                }
            }
        }
    }
}

/// <summary>Priority classes: their value never changes, and only Kubernetes' own are above a thousand million.</summary>
internal sealed class PriorityClassStrategy : KindStrategy
{
    public const int HighestOfUsers = 1_000_000_000;
    private const string SystemPrefix = "system-";

    /// <summary>Kubernetes' own classes.</summary>
    public static readonly IReadOnlyDictionary<string, int> System = new Dictionary<string, int>
    {
        ["system-cluster-critical"] = 2_000_000_000, ["system-node-critical"] = 2_000_001_000,
    };

    public override void Default(JsonObject value) => value.Default("preemptionPolicy", "PreemptLowerPriority");

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var value = write.Object.Number("value") ?? 0;
        if (write.Name.StartsWith(SystemPrefix, StringComparison.Ordinal))
        {
            if (!System.TryGetValue(write.Name, out var known) || known != value)
            {
                errors.Forbidden(
                    "metadata.name", "priority class names with '" + SystemPrefix + "' prefix are reserved for system use only. error: "
                        + (System.ContainsKey(write.Name)
                            ? $"value of {write.Name} PriorityClass must be {known}" : $"{write.Name} is not a known system priority class"));
            }
        }
        else if (value > HighestOfUsers)
        {
            errors.Forbidden("value", $"maximum allowed value of a user defined priority is {HighestOfUsers}");
        }

        if (write.Old is { } old && (old.Number("value") ?? 0) != value)
        {
            errors.Invalid("value", value, "field is immutable");
        }
    }
}
