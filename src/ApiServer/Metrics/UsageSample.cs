using System.Text.Json;

namespace Knet.ApiServer.Metrics;

/// <summary>What a container, or a node as a whole, has used until a moment.</summary>
/// <param name="CpuNanos">Of one core, since <paramref name="Since"/>.</param>
internal sealed record Usage(DateTimeOffset At, DateTimeOffset? Since, long CpuNanos, long WorkingSetBytes);

/// <summary>One reading of a node's <c>/stats/summary</c>.</summary>
internal sealed record UsageSample(
    DateTimeOffset At, Usage? Node, IReadOnlyDictionary<(string PodUid, string Container), Usage> Containers)
{
    /// <exception cref="JsonException">It is no such document.</exception>
    public static UsageSample Parse(ReadOnlyMemory<byte> summary, DateTimeOffset now)
    {
        using var document = JsonDocument.Parse(summary);
        var containers = new Dictionary<(string, string), Usage>();
        if (document.RootElement.TryGetProperty("pods", out var pods))
        {
            foreach (var pod in pods.EnumerateArray())
            {
                var uid = pod.GetProperty("podRef").GetProperty("uid").GetString() ?? "";
                foreach (var container in pod.GetProperty("containers").EnumerateArray())
                {
                    if (Read(container) is { } usage)
                    {
                        containers[(uid, container.GetProperty("name").GetString() ?? "")] = usage;
                    }
                }
            }
        }

        var node = document.RootElement.TryGetProperty("node", out var whole) ? Read(whole) : null;
        return new(now, node, containers);
    }

    private static Usage? Read(JsonElement element)
    {
        if (!element.TryGetProperty("cpu", out var cpu) || !cpu.TryGetProperty("usageCoreNanoSeconds", out var nanos)
            || !element.TryGetProperty("memory", out var memory) || !memory.TryGetProperty("workingSetBytes", out var bytes))
        {
            return null;
        }

        DateTimeOffset? since = element.TryGetProperty("startTime", out var start) && start.ValueKind == JsonValueKind.String
            ? start.GetDateTimeOffset()
            : null;
        return new(cpu.GetProperty("time").GetDateTimeOffset(), since, nanos.GetInt64(), bytes.GetInt64());
    }
}

/// <summary>The use of a container or node over a while: cores and bytes.</summary>
internal sealed record UsageRate(DateTimeOffset At, TimeSpan Window, decimal Cores, long WorkingSetBytes)
{
    /// <summary>The rate between two readings, or since the start of what is too new (or began anew); null when neither is known.</summary>
    public static UsageRate? Of(Usage? before, Usage now)
    {
        var (from, nanos) = before is not null && before.At < now.At && before.CpuNanos <= now.CpuNanos && before.Since == now.Since
            ? (before.At, now.CpuNanos - before.CpuNanos)
            : (now.Since ?? now.At, now.CpuNanos);
        var window = now.At - from;
        return window < TimeSpan.FromMilliseconds(100)
            ? null
            : new(now.At, window, nanos / 1_000_000_000m / (decimal)window.TotalSeconds, now.WorkingSetBytes);
    }
}
