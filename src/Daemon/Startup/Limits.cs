using System.Globalization;
using Knet.Api.Meta;
using Knet.ApiServer.Http;
using Knet.ApiServer.Workloads;
using Knet.Node.Agent;

namespace Knet.Daemon.Startup;

/// <summary>What the platform bears before it refuses or removes something: <c>--limit name=value</c>. Each default is that of its part.</summary>
internal sealed record Limits
{
    private const string Names =
        "request-bytes, object-bytes, objects, history, watches, events-ttl, image-bytes, log-bytes, log-files, pods";

    private static readonly ApiHttpOptions Http = new();
    private static readonly ApiServer.Storage.StoreOptions Objects = new();
    private static readonly Oci.Store.StoreOptions Store = new() { Root = "" };
    private static readonly NodeOptions Machine = new() { Address = "" };

    /// <summary>Body of a request to the API; larger ones are refused with 413 (3 MiB).</summary>
    public int RequestBytes { get; init; } = Http.MaxBodyBytes;

    /// <summary>One object as JSON; refused with 413 (1.5 MiB).</summary>
    public int ObjectBytes { get; init; } = Objects.ObjectBytesMax;

    /// <summary>Objects of one kind; refused with 507 (100,000).</summary>
    public int ObjectsOfAKind { get; init; } = Objects.ObjectsMax;

    /// <summary>Changes remembered per kind; a watch from before them answers 410 (2,048).</summary>
    public int History { get; init; } = Objects.HistoryEvents;

    /// <summary>Watches over HTTP at once; refused with 429 and Retry-After (10,000).</summary>
    public int Watches { get; init; } = Http.WatchesMax;

    /// <summary>How long an Event is kept after it was last seen (1h).</summary>
    public TimeSpan EventsTtl { get; init; } = WorkloadOptions.DefaultEventTtl;

    /// <summary>Images on this machine; beyond it those unused for longest are removed (20 GiB).</summary>
    public long ImageBytes { get; init; } = Store.BytesMax;

    /// <summary>Size at which a container's log begins a new file (10 MiB).</summary>
    public long LogBytes { get; init; } = Machine.LogBytesMax;

    /// <summary>Log files of one container (5).</summary>
    public int LogFiles { get; init; } = Machine.LogFilesMax;

    /// <summary>Pods on this machine: the Node's capacity (250).</summary>
    public int Pods { get; init; } = Machine.PodsMax;

    /// <summary>The store's part.</summary>
    public ApiServer.Storage.StoreOptions OfStore => Objects with
    {
        ObjectsMax = ObjectsOfAKind,
        ObjectBytesMax = ObjectBytes,
        HistoryEvents = History,
        WatchBacklog = Math.Max(Objects.WatchBacklog, History * 2),
    };

    /// <summary>
    /// These with one changed: <c>name=value</c>; a value is a number, a quantity such as <c>20Gi</c>, or a duration such as <c>90m</c>.
    /// </summary>
    /// <exception cref="FormatException">No such limit, or no such value.</exception>
    public Limits With(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw new FormatException($"--limit must be name=value such as objects=20000, not \"{text}\"");
        }

        var (name, value) = (text[..equals], text[(equals + 1)..]);
        return name switch
        {
            "request-bytes" => this with { RequestBytes = (int)Quantity(name, value, 1024, int.MaxValue) },

            // The platform's own definitions of Knative's kinds are up to 115 KB.
            "object-bytes" => this with { ObjectBytes = (int)Quantity(name, value, 256 << 10, int.MaxValue) },
            "objects" => this with { ObjectsOfAKind = (int)Quantity(name, value, 100, int.MaxValue) },
            "history" => this with { History = (int)Quantity(name, value, 16, 1_000_000) },
            "watches" => this with { Watches = (int)Quantity(name, value, 1, int.MaxValue) },
            "events-ttl" => this with { EventsTtl = Duration(name, value) },
            "image-bytes" => this with { ImageBytes = Quantity(name, value, 1 << 20, long.MaxValue) },
            "log-bytes" => this with { LogBytes = Quantity(name, value, 4096, long.MaxValue) },
            "log-files" => this with { LogFiles = (int)Quantity(name, value, 1, 1000) },
            "pods" => this with { Pods = (int)Quantity(name, value, 1, 100_000) },
            _ => throw new FormatException($"there is no limit \"{name}\"; there are {Names}"),
        };
    }

    private static long Quantity(string name, string value, long least, long most) =>
        Quantities.TryParse(value, out var number) && number >= least && number <= most && number == Math.Floor(number)
            ? (long)number
            : throw new FormatException(string.Create(
                CultureInfo.InvariantCulture,
                $"--limit {name} must be a whole number from {least} to {most}, such as {least} or 20Mi, not \"{value}\""));

    private static TimeSpan Duration(string name, string value) =>
        GoDuration.TryParse(value, out var duration) && duration >= TimeSpan.FromMinutes(1)
            ? duration
            : throw new FormatException($"--limit {name} must be a duration of at least 1m, such as 1h30m, not \"{value}\"");
}
