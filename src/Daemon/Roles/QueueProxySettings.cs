using System.Text.Json;
using System.Text.Json.Serialization;
using k8s.Models;
using Knet.DataPlane.RequestLogs;

namespace Knet.Daemon.Roles;

/// <summary>What a pod's queue-proxy was told in its environment, as far as the daemon does it: upstream's <c>OBSERVABILITY_CONFIG</c>.</summary>
internal static class QueueProxySettings
{
    /// <summary>The log of the pod's requests; null when there shall be none.</summary>
    public static RequestLog? RequestLog(V1Pod pod, string podAddress, TimeProvider time, Action<string> write)
    {
        var env = pod.Spec.Containers.FirstOrDefault(c => c.Name == "queue-proxy")?.Env ?? [];
        string Value(string name) => env.FirstOrDefault(e => e.Name == name)?.Value ?? "";
        if (Read(Value("OBSERVABILITY_CONFIG")) is not { Enabled: true, Template.Length: > 0 } settings)
        {
            return null;
        }

        var revision = new LoggedRevision(
            Value("SERVING_REVISION"), Value("SERVING_NAMESPACE"), Value("SERVING_SERVICE"), Value("SERVING_CONFIGURATION"), pod.Metadata.Name,
            podAddress);
        try
        {
            return new RequestLog(LogTemplate.Parse(settings.Template), settings.WithProbes, revision, time, write);
        }
        catch (FormatException e)
        {
            // The ConfigMap's check refuses such templates; this pod was written by another way.
            write($"requests are not logged, OBSERVABILITY_CONFIG has a bad requestLogTemplate: {e.Message}");
            return null;
        }
    }

    private static Observability? Read(string json)
    {
        try
        {
            return json.Length == 0 ? null : JsonSerializer.Deserialize<Observability>(json);
        }
        catch (JsonException)
        {
            return null; // a pod that nobody of ours made; its proxy works without
        }
    }

    private sealed record Observability(
        [property: JsonPropertyName("enableRequestLog")] bool Enabled,
        [property: JsonPropertyName("enableProbeRequestLog")] bool WithProbes,
        [property: JsonPropertyName("requestLogTemplate")] string? Template);
}
