using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.Serving.Webhook;

/// <summary>
/// Turns the shapes of <c>serving.knative.dev/v1alpha1</c>, as manifests of Knative 0.7 have them, into those of v1: Services of mode
/// runLatest, release and pinned, Configurations with a revisionTemplate, Revisions with one container, traffic targets with a name.
/// </summary>
/// <remarks>The rules are those of upstream's own conversion in 0.8 and later. What had no successor is refused, not dropped.</remarks>
internal static class LegacyShapes
{
    private static readonly string[] Modes = ["manual", "pinned", "release", "runLatest"];

    /// <returns>Null when nothing is old; else the object in its present form with warnings, or why there is none.</returns>
    public static AdmissionResponse? Convert(string kind, KubeDocument document)
    {
        if (JsonNode.Parse(document.Json.Span) is not JsonObject value || value["spec"] is not JsonObject spec)
        {
            return null;
        }

        var pass = new Pass();
        switch (kind)
        {
            case "Service":
                pass.Service(spec);
                break;
            case "Configuration":
                pass.Configuration(spec, "spec");
                break;
            case "Revision":
                pass.Revision(spec, "spec");
                break;
            case "Route":
                pass.Traffic(spec);
                break;
        }

        return !pass.Errors.IsEmpty
            ? ServingAdmission.Refused("webhook.serving.knative.dev", $"mutation failed: conversion to v1 failed: {pass.Errors}")
            : pass.Warnings.Count == 0 ? null
            : new AdmissionResponse(new KubeDocument(Encoding.UTF8.GetBytes(value.ToJsonString()))) { Warnings = pass.Warnings };
    }

    private sealed class Pass
    {
        public FieldErrors Errors { get; } = new();
        public List<string> Warnings { get; } = [];

        public void Service(JsonObject spec)
        {
            var modes = Modes.Where(m => spec[m] is JsonObject).ToArray();
            switch (modes)
            {
                case []:
                    break;
                case ["manual"]:
                    Errors.Add(
                        "must not set the field(s)", "spec.manual",
                        "a Service of mode manual has no template: make its Configuration and Route yourself");
                    return;
                case [var mode]:
                    Mode(spec, mode, spec[mode]!.AsObject());
                    return;
                default:
                    Errors.MultipleOneOf([.. modes.Select(m => $"spec.{m}")]);
                    return;
            }

            Configuration(spec, "spec");
            Traffic(spec);
        }

        public void Configuration(JsonObject spec, string path)
        {
            if (spec["build"] is not null)
            {
                Errors.Add("must not set the field(s)", $"{path}.build", "build the image first, and name it in the container");
            }

            if (Take(spec, "revisionTemplate") is { } template)
            {
                spec["template"] = template;
                Converted($"{path}.revisionTemplate", "spec.template");
            }

            if (spec["template"] is JsonObject current && current["spec"] is JsonObject revision)
            {
                Revision(revision, $"{path}.template.spec");
            }
        }

        public void Revision(JsonObject spec, string path)
        {
            foreach (var build in (string[])["buildRef", "buildName"])
            {
                if (spec[build] is not null)
                {
                    Errors.Add("must not set the field(s)", $"{path}.{build}", "build the image first, and name it in the container");
                }
            }

            if (Take(spec, "container") is { } container)
            {
                spec["containers"] = new JsonArray(container);
                Converted($"{path}.container", "containers");
            }

            if (Take(spec, "concurrencyModel") is { } model)
            {
                if ((string?)model == "Single")
                {
                    spec["containerConcurrency"] ??= 1;
                }

                Converted($"{path}.concurrencyModel", "containerConcurrency");
            }
        }

        public void Traffic(JsonObject spec)
        {
            foreach (var target in (spec["traffic"] as JsonArray ?? []).OfType<JsonObject>())
            {
                if (Take(target, "name") is { } name)
                {
                    target["tag"] ??= name;
                    Converted("spec.traffic[*].name", "tag");
                }
            }
        }

        private void Mode(JsonObject spec, string mode, JsonObject old)
        {
            if (old["configuration"] is not JsonObject configuration)
            {
                Errors.Missing($"spec.{mode}.configuration");
                return;
            }

            Configuration(configuration, $"spec.{mode}.configuration");
            spec.Remove(mode);
            spec["template"] = Take(configuration, "template");
            spec["traffic"] = mode switch
            {
                "release" => Release(old),
                "pinned" => new JsonArray(Target((string?)old["revisionName"] ?? "", 100, null)),
                _ => new JsonArray(Target(LatestRevision, 100, null)),
            };
            Converted($"spec.{mode}", "spec.template and spec.traffic");
        }

        // Upstream's keyword for whatever is newest.
        private const string LatestRevision = "@latest";

        private JsonArray Release(JsonObject old)
        {
            var revisions = (old["revisions"] as JsonArray ?? []).Select(r => (string?)r ?? "").ToArray();
            var rollout = old["rolloutPercent"]?.GetValue<int>() ?? 0;
            switch (revisions)
            {
                case [var current]:
                    return new JsonArray(Target(current, 100, "current"), Target(LatestRevision, 0, "latest"));
                case [var current, var candidate]:
                    return new JsonArray(
                        Target(current, 100 - rollout, "current"), Target(candidate, rollout, "candidate"), Target(LatestRevision, 0, "latest"));
                default:
                    Errors.OutOfBounds(revisions.Length, 1, 2, "spec.release.revisions");
                    return [];
            }
        }

        private static JsonObject Target(string revision, int percent, string? tag)
        {
            var isLatest = revision == LatestRevision;
            var target = new JsonObject { ["percent"] = percent, ["latestRevision"] = isLatest };
            if (!isLatest)
            {
                target["revisionName"] = revision;
            }

            if (tag is not null)
            {
                target["tag"] = tag;
            }

            return target;
        }

        private static JsonNode? Take(JsonObject from, string member)
        {
            var value = from[member];
            if (value is not null)
            {
                from.Remove(member);
            }

            return value;
        }

        private void Converted(string old, string now) =>
            Warnings.Add($"{old} is the form of serving.knative.dev/v1alpha1: it was converted; write {now} from now on");
    }
}
