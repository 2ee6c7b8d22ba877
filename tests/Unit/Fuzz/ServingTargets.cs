using Knet.Api.Meta;
using Knet.Serving.Autoscaler;
using Knet.Serving.Config;
using Knet.Serving.Routes;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What users write into Knative's ConfigMaps and annotations.</summary>
internal static class ServingTargets
{
    private static readonly string[] Keys =
    [
        "domain-template", "tag-template", "ingress-class", "retain-since-create-time", "max-non-active-revisions", "min-non-active-revisions",
        "stable-window", "scale-to-zero-grace-period", "container-concurrency-target-percentage", "target-burst-capacity", "min-scale", "max-scale",
        "revision-timeout-seconds", "revision-cpu-request", "container-name-template", "registries-skipping-tag-resolving", "queue-sidecar-image",
        "digest-resolution-timeout", "progress-deadline", "pod-autoscaler-class", "max-scale-limit", "multi-container", "example.com", "_example",
        "queue-sidecar-cpu-limit", "request-metrics-protocol", "panic-window-percentage", "max-scale-up-rate", "tick-interval",
        "default-external-scheme",
    ];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FuzzTarget.Text("go-template", ["{{", "}}", "-", " ", "- ", " -", ".Name", ".", "index ", ".Labels", "\"key\"", "`k`", "\"", "text", "|"],
            text => GoTemplate.Parse(text).Render(new Dictionary<string, object?> { ["Name"] = "n", ["Labels"] = new Dictionary<string,
                string>() }),
            e => e is FormatException, "{{.Name}}.{{index .Labels \"a\"}}.x"),
        FuzzTarget.Text("go-duration", ["1", "99999999999999999999", "9999999999999999999", ".", "-", "+", "h", "m", "s", "ms", "us", "µs", "ns",
            "e", " ", "0"],
            text => _ = GoDuration.TryParse(text, out _), FuzzTarget.Nothing, "1h2m3.5s"),
        FuzzTarget.Text("rollout", ["{", "}", "\"configurations\":", "[", "]", "null", "\"percent\":", "1", "99999999999", ",", "\"revisions\":",
            "\"x\""],
            text => Rollout.Parse(text), FuzzTarget.Nothing,
                """{"configurations":[{"configurationName":"a","percent":100,"revisions":[{"revisionName":"b","percent":1}]}]}"""),
        FuzzTarget.Text("config-map",
            [.. Keys.Select(k => k + ": "), "\n", "1", "-1", "0", "1h", "true", "disabled", "99999999999999999999", "1e400", "NaN", "Infinity",
                "1.5", "{{.Name}}", "{{",
                "selector:\n  a: b", "selector: [", "100m", "1Gi", ",", "a/b", "é"],
            Configure, e => e is FormatException, [.. Keys.Select(k => k + ": 1")]),
    ];

    private static void Configure(string text)
    {
        var data = new Dictionary<string, string>();
        foreach (var line in text.Split('\n'))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            data[colon < 0 ? line : line[..colon]] = colon < 0 ? "" : line[(colon + 2)..];
        }

        FormatException? refusal = null;
        foreach (var parse in new Action<Dictionary<string, string>>[]
        {
            d => DefaultsConfigMap.Parse(d), d => FeaturesConfigMap.Parse(d), d => DeploymentConfig.Parse(d), d => DomainConfig.Parse(d),
                d => GcConfig.Parse(d),
            d => NetworkConfig.Parse(d), d => ObservabilityConfig.Parse(d), d => AutoscalerConfig.Parse(d),
                d => AutoscalingLimitsConfigMap.Parse(d),
        })
        {
            try
            {
                parse(data);
            }
            catch (FormatException e)
            {
                refusal = e;
            }
        }

        if (refusal is not null)
        {
            throw new FormatException(refusal.Message, refusal);
        }
    }
}
