using System.Globalization;
using Knet.DataPlane.Probing;
using Microsoft.AspNetCore.Http;

namespace Knet.DataPlane.RequestLogs;

/// <summary>The request log of one pod: a line for each request that its proxy answered.</summary>
/// <param name="withProbes">Probes have lines too.</param>
/// <param name="write">Takes one line, without line feed; called from the request's thread, several at a time.</param>
public sealed class RequestLog(LogTemplate template, bool withProbes, LoggedRevision revision, TimeProvider time, Action<string> write)
{
    private const string KubeletAgent = "kube-probe/";
    private const string KubeletProbe = "K-Kubelet-Probe";

    /// <summary>Begins the entry of a request; null when it gets none.</summary>
    public Record? Begin(HttpContext context) => withProbes || !IsProbe(context) ? new Record(this, context) : null;

    private static bool IsProbe(HttpContext context)
    {
        var headers = context.Request.Headers;
        return NetworkProbe.Of(context) is { Length: > 0 } || headers.ContainsKey(KubeletProbe) ||
            headers.UserAgent.ToString().StartsWith(KubeletAgent, StringComparison.Ordinal);
    }

    private void Write(RequestLogEntry entry)
    {
        string line;
        try
        {
            line = template.Render(entry);
        }
        catch (FormatException)
        {
            // Upstream's words: the request itself is not to suffer.
            line = $"Invalid request log template: method: {entry.Request.Method}, response code: {entry.Code}, latency: " +
                $"{entry.Latency.TotalSeconds.ToString(CultureInfo.InvariantCulture)}, url: {entry.Request.RequestUri}";
        }

        write(line);
    }

    /// <summary>A request under way; the bytes of its answer are counted until its end.</summary>
#pragma warning disable CA1001 // The counting stream holds nothing: what it writes to is the server's.
    public sealed class Record
#pragma warning restore CA1001
    {
        private readonly RequestLog _log;
        private readonly HttpContext _context;
        private readonly LoggedRequest _request;
        private readonly Stream _body;
        private readonly CountingStream _counted;
        private readonly long _started;

        internal Record(RequestLog log, HttpContext context)
        {
            (_log, _context, _request, _started) = (log, context, LoggedRequest.Of(context), log.Time.GetTimestamp());
            _body = context.Response.Body;
            _counted = new CountingStream(_body);
            context.Response.Body = _counted;
        }

        /// <summary>Another pod answers: this one's log says nothing.</summary>
        public void Abandon() => _context.Response.Body = _body;

        /// <summary>The answer has ended: writes the line.</summary>
        public void End()
        {
            _context.Response.Body = _body;
            _log.Write(new RequestLogEntry(
                _request, _context.Response.StatusCode, _counted.Count, _log.Time.GetElapsedTime(_started), _log.Revision));
        }
    }

    private TimeProvider Time => time;
    private LoggedRevision Revision => revision;
}
