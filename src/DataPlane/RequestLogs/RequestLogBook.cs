using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;

namespace Knet.DataPlane.RequestLogs;

/// <summary>The pods whose requests are logged, by address. As long as there are none, a request costs one read more.</summary>
public sealed class RequestLogBook
{
    private ImmutableDictionary<string, RequestLog>? _logs;

    /// <summary>Logs the requests of a pod from now on; null ends it.</summary>
    public void Set(string podAddress, RequestLog? log)
    {
        ImmutableDictionary<string, RequestLog>? seen;
        ImmutableDictionary<string, RequestLog> next;
        do
        {
            seen = Volatile.Read(ref _logs);
            next = seen ?? ImmutableDictionary.Create<string, RequestLog>(StringComparer.Ordinal);
            next = log is null ? next.Remove(podAddress) : next.SetItem(podAddress, log);
        }
        while (Interlocked.CompareExchange(ref _logs, next.IsEmpty ? null : next, seen) != seen);
    }

    /// <summary>Begins the entry of a request that this pod answers; null when it gets none.</summary>
    public RequestLog.Record? Begin(string podAddress, HttpContext context) =>
        Volatile.Read(ref _logs) is { } logs && logs.TryGetValue(podAddress, out var log) ? log.Begin(context) : null;
}
