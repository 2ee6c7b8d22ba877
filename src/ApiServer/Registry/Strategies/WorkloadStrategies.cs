using System.Text.Json.Nodes;
using Knet.ApiServer.Registry.Selectors;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>What kinds with a pod template share.</summary>
internal abstract class TemplateStrategy : KindStrategy
{
    public override bool HasGeneration => true;

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        var template = spec.Ensure("template");
        template.Ensure("metadata");
        PodDefaults.Apply(template.Ensure("spec"));
    }

    protected static void NotNegative(JsonObject? spec, string member, FieldErrors errors)
    {
        if (spec.Number(member) is < 0 and var value)
        {
            errors.Invalid("spec." + member, value, "must be greater than or equal to 0");
        }
    }

    protected static void ValidateTemplate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        var template = spec.Object("template");
        MetadataRules.ValidateLabels(template.Object("metadata") ?? [], "spec.template.metadata.labels", errors);
        PodRules.Validate(template.Object("spec"), "spec.template.spec", errors);
    }

    protected static void ValidateSelector(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        if (spec.Object("selector") is not { } selector)
        {
            errors.Required("spec.selector");
            return;
        }

        if (selector.Object("matchLabels") is not { Count: > 0 } && selector.Array("matchExpressions") is not { Count: > 0 })
        {
            errors.Invalid("spec.selector", selector.DeepClone(), "empty selector is invalid for deployment");
            return;
        }

        var labels = spec.Object("template").Object("metadata").Object("labels");
        if (!StructuredSelector.Matches(selector, labels))
        {
            errors.Invalid("spec.template.metadata.labels", labels?.DeepClone() ?? new JsonObject(), "`selector` does not match template `labels`");
        }

        if (write.Old.Object("spec") is { } old && !JsonNode.DeepEquals(old["selector"], selector))
        {
            errors.Invalid("spec.selector", selector.DeepClone(), "field is immutable");
        }
    }
}

/// <summary>Deployments.</summary>
internal sealed class DeploymentStrategy : TemplateStrategy
{
    public override void Default(JsonObject value)
    {
        base.Default(value);
        var spec = value.Ensure("spec");
        spec.Default("replicas", 1);
        spec.Default("revisionHistoryLimit", 10);
        spec.Default("progressDeadlineSeconds", 600);
        var strategy = spec.Ensure("strategy");
        strategy.Default("type", "RollingUpdate");
        if (strategy.Text("type") == "RollingUpdate")
        {
            var rolling = strategy.Ensure("rollingUpdate");
            rolling.Default("maxUnavailable", "25%");
            rolling.Default("maxSurge", "25%");
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        NotNegative(spec, "replicas", errors);
        NotNegative(spec, "minReadySeconds", errors);
        NotNegative(spec, "revisionHistoryLimit", errors);
        ValidateSelector(write, errors);
        ValidateTemplate(write, errors);
        if (spec.Object("template").Object("spec").Text("restartPolicy") is { } policy && policy != "Always")
        {
            errors.NotSupported("spec.template.spec.restartPolicy", policy, "Always");
        }

        var strategy = spec.Object("strategy");
        if (strategy.Text("type") is not ("RollingUpdate" or "Recreate"))
        {
            errors.NotSupported("spec.strategy.type", strategy?["type"]?.DeepClone() ?? "", "Recreate", "RollingUpdate");
        }
        else if (strategy.Text("type") == "Recreate" && strategy?["rollingUpdate"] is not null)
        {
            errors.Forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        }
    }
}

/// <summary>ReplicaSets.</summary>
internal sealed class ReplicaSetStrategy : TemplateStrategy
{
    public override void Default(JsonObject value)
    {
        base.Default(value);
        value.Ensure("spec").Default("replicas", 1);
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        NotNegative(write.Object.Object("spec"), "replicas", errors);
        ValidateSelector(write, errors);
        ValidateTemplate(write, errors);
    }
}
