using System.Text.Json.Nodes;
using Knet.ApiServer.Registry.Selectors;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Jobs: defaults, the selector and labels that no other Job has, and what may change once a Job exists.</summary>
internal sealed class JobStrategy : TemplateStrategy
{
    private const string Prefix = "batch.kubernetes.io/";
    private static readonly string[] Counts = ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"];

    public override void Default(JsonObject value)
    {
        base.Default(value);
        var spec = value.Ensure("spec");
        if (spec["parallelism"] is null)
        {
            // Parallelism alone makes a work queue, which has no number of completions.
            spec.Default("completions", 1);
        }

        spec.Default("parallelism", 1);
        spec.Default("backoffLimit", 6);
        spec.Default("completionMode", "NonIndexed");
        spec.Default("suspend", false);
        spec.Default("podReplacementPolicy", spec["podFailurePolicy"] is null ? "TerminatingOrFailed" : "Failed");
    }

    public override void PrepareCreate(WriteContext write)
    {
        write.Object.Remove("status");
        var spec = write.Object.Ensure("spec");
        if (spec.Flag("manualSelector") == true)
        {
            return;
        }

        var uid = write.Object.Metadata().Text("uid")!;
        var labels = spec.Ensure("template").Ensure("metadata").Ensure("labels");
        foreach (var prefix in (string[])["", Prefix])
        {
            labels.Default(prefix + "controller-uid", uid);
            labels.Default(prefix + "job-name", write.Name);
        }

        spec.Default("selector", new JsonObject { ["matchLabels"] = new JsonObject { [Prefix + "controller-uid"] = uid } });
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec")!;
        Array.ForEach(Counts, member => NotNegative(spec, member, errors));
        ValidateTemplate(write, errors);
        if (spec.Object("template").Object("spec").Text("restartPolicy") is not ("OnFailure" or "Never") and var policy)
        {
            Restart(policy, errors);
        }

        Mode(spec, errors);
        FailurePolicy(spec, errors);
        Unsupported(spec, errors);
        Selector(write, spec, errors);
        if (write.Old.Object("spec") is { } old)
        {
            Changes(write, old, spec, errors);
        }
    }

    private static void Restart(string? policy, FieldErrors errors)
    {
        if (policy is null)
        {
            errors.Required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
        }
        else
        {
            errors.NotSupported("spec.template.spec.restartPolicy", policy, "OnFailure", "Never");
        }
    }

    private static void Mode(JsonObject spec, FieldErrors errors)
    {
        switch (spec.Text("completionMode"))
        {
            case "NonIndexed":
                break;
            case "Indexed" when spec["completions"] is null:
                errors.Required("spec.completions", "when completion mode is Indexed");
                break;
            case "Indexed":
                break;
            case var other:
                errors.NotSupported("spec.completionMode", other, "NonIndexed", "Indexed");
                break;
        }

        var replacement = spec.Text("podReplacementPolicy") ?? "";
        if (replacement is not ("TerminatingOrFailed" or "Failed"))
        {
            errors.NotSupported("spec.podReplacementPolicy", replacement, "Failed", "TerminatingOrFailed");
        }
        else if (spec["podFailurePolicy"] is not null && replacement != "Failed")
        {
            errors.NotSupported("spec.podReplacementPolicy", replacement, "Failed");
        }
    }

    private static void FailurePolicy(JsonObject spec, FieldErrors errors)
    {
        if (spec.Object("podFailurePolicy") is not { } policy)
        {
            return;
        }

        if (spec.Object("template").Object("spec").Text("restartPolicy") is { } restart and not "Never")
        {
            errors.Invalid("spec.template.spec.restartPolicy", restart, "only \"Never\" is supported when podFailurePolicy is specified");
        }

        foreach (var (rule, index) in policy.Items("rules").Select((r, i) => (r, i)))
        {
            var path = $"spec.podFailurePolicy.rules[{index}]";
            if (rule.Text("action") is var action and not ("FailJob" or "Ignore" or "Count"))
            {
                errors.NotSupported($"{path}.action", action ?? "", "Count", "FailJob", "Ignore");
            }

            var codes = rule.Object("onExitCodes");
            if (codes is null == (rule.Array("onPodConditions") is not { Count: > 0 }))
            {
                errors.Invalid(path, rule.DeepClone(), "exactly one of OnExitCodes and OnPodConditions is required");
            }
            else if (codes is not null && codes.Text("operator") is var op and not ("In" or "NotIn"))
            {
                errors.NotSupported($"{path}.onExitCodes.operator", op ?? "", "In", "NotIn");
            }
            else if (codes is not null && codes.Array("values") is not { Count: > 0 })
            {
                errors.Invalid($"{path}.onExitCodes.values", codes["values"]?.DeepClone(), "at least one value is required");
            }
        }
    }

    // Refused, not ignored: a Job that goes on where its author said it must end does harm.
    private static void Unsupported(JsonObject spec, FieldErrors errors)
    {
        foreach (var member in (string[])["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"])
        {
            if (spec[member] is not null)
            {
                errors.Forbidden($"spec.{member}", "this API server does not support it; leave it out");
            }
        }
    }

    private static void Selector(WriteContext write, JsonObject spec, FieldErrors errors)
    {
        if (spec.Object("selector") is not { } selector)
        {
            errors.Required("spec.selector");
            return;
        }

        var labels = spec.Object("template").Object("metadata").Object("labels");
        if (!StructuredSelector.Matches(selector, labels))
        {
            errors.Invalid("spec.template.metadata.labels", labels?.DeepClone() ?? new JsonObject(), "`selector` does not match template `labels`");
        }
        else if (write.IsCreate && spec.Flag("manualSelector") != true
            && selector.Object("matchLabels").Text(Prefix + "controller-uid") != write.Object.Metadata().Text("uid"))
        {
            errors.Invalid("spec.selector", selector.DeepClone(), "`selector` not auto-generated");
        }
    }

    private static void Changes(WriteContext write, JsonObject old, JsonObject spec, FieldErrors errors)
    {
        foreach (var member in (string[])["selector", "completionMode", "podFailurePolicy"])
        {
            if (!JsonNode.DeepEquals(old[member], spec[member]))
            {
                errors.Invalid($"spec.{member}", spec[member]?.DeepClone(), "field is immutable");
            }
        }

        // An indexed Job may grow or shrink as a whole.
        var elastic = spec.Text("completionMode") == "Indexed" && spec.Number("completions") == spec.Number("parallelism");
        if (!JsonNode.DeepEquals(old["completions"], spec["completions"]) && !elastic)
        {
            errors.Invalid("spec.completions", spec["completions"]?.DeepClone(), "field is immutable");
        }

        // Whoever holds Jobs back may still decide where their pods shall run: until the first start.
        var open = old.Flag("suspend") == true && write.Old.Object("status")?["startTime"] is null;
        if (!open && !JsonNode.DeepEquals(old["template"], spec["template"]))
        {
            errors.Invalid("spec.template", spec["template"]?.DeepClone(), "field is immutable");
        }
    }
}
