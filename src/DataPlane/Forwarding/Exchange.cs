using System.Net;
using System.Net.Http;
using Knet.DataPlane.Probing;
using Knet.DataPlane.Stats;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.DataPlane.Forwarding;

/// <summary>
/// What we know of one request while it is forwarded: its deadlines and how its outgoing form differs. Used again and again.
/// </summary>
/// <remarks>Hot. The timer belongs to the object and is only set anew for each request.</remarks>
internal sealed class Exchange : HttpTransformer, IDisposable
{
    // The target goes out byte for byte as it came in: no unescaping, no removal of dot segments.
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
#pragma warning disable CA2213 // See Dispose.
    private readonly CancellationTokenSource _expiry = new();
#pragma warning restore CA2213
    private readonly Lock _gate = new();
    private long _responseDeadline = long.MaxValue;
    private long _deadline = long.MaxValue;
    private bool _responded;
    private ColdStarts? _coldStarts;
    private string? _host;
    private string _namespace = "";
    private string _revision = "";

    public Exchange(TimeProvider time)
    {
        _time = time;
        _timer = time.CreateTimer(static self => ((Exchange)self!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _expiry.Token;
    public bool Expired { get; private set; }

    /// <summary>Makes the request what the program behind is to see. Once for each request, however often it is tried.</summary>
    /// <param name="host">The Host to send; null keeps the client's, or the one that a DomainMapping noted.</param>
    public void Prepare(HttpContext context, string? host)
    {
        var headers = context.Request.Headers;
        ForwardedHeaders.Set(headers, context.Connection.RemoteIpAddress, context.Request.Scheme);
        if (!headers.ContainsKey(ControlHeaders.TraceParent))
        {
            headers[ControlHeaders.TraceParent] = TraceParent.Create();
        }

        _host = host;
        if (headers.TryGetValue(ControlHeaders.OriginalHost, out var original))
        {
            _host = original.ToString();
            headers.Remove(ControlHeaders.OriginalHost);
        }

        headers.Remove(ControlHeaders.NetworkHash);
        headers.Remove(ControlHeaders.ProxyRequest);
        headers.Remove(ControlHeaders.Revision);
        headers.Remove(ControlHeaders.Namespace);
    }

    /// <summary>Notes the first byte of the response: the request had to wait, perhaps for a cold start.</summary>
    public void Watch(ColdStarts coldStarts, string ns, string revision) =>
        (_coldStarts, _namespace, _revision) = (coldStarts, ns, revision);

    /// <param name="total">Until the response must have ended; zero or less means for ever.</param>
    /// <param name="start">Until it must have begun; zero or less, or not before <paramref name="total"/>: as total.</param>
    public void Begin(TimeSpan total, TimeSpan start)
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            _deadline = total > TimeSpan.Zero ? now + Ticks(total) : long.MaxValue;
            _responseDeadline = start > TimeSpan.Zero && (total <= TimeSpan.Zero || start < total) ? now + Ticks(start) : long.MaxValue;
            _responded = false;
            Arm(now);
        }
    }

    /// <summary>Forgets the request.</summary>
    /// <returns>Whether the object can serve another one.</returns>
    public bool End()
    {
        lock (_gate)
        {
            _deadline = _responseDeadline = long.MaxValue;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _coldStarts = null;
            if (!Expired && _expiry.TryReset())
            {
                return true;
            }
        }

        return false;
    }

    // Without an interval of its own the source holds nothing, and the timer may be cancelling it this moment.
    public void Dispose() => _timer.Dispose();

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        var copied = base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        if (!copied.IsCompletedSuccessfully)
        {
            await copied;
        }

        var target = OriginForm(httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        proxyRequest.RequestUri = new Uri(string.Concat(destinationPrefix, target), in Verbatim);
        proxyRequest.Headers.Host = _host ?? httpContext.Request.Host.Value;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        }

        // An upgraded connection has not answered yet: upstream cuts it at the start timeout, whatever both sides say on it.
        if (proxyResponse.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            lock (_gate)
            {
                _responded = true;
            }
        }

        _coldStarts?.Mark(_namespace, _revision, ColdStartPhase.FirstByte);
        var copied = base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (OpenEndedContent.Covers(proxyResponse, httpContext))
        {
            proxyResponse.Content = new OpenEndedContent(proxyResponse.Content, httpContext);
        }

        return copied;
    }

    /// <summary>Path and query of a request target, however it was written.</summary>
    internal static string OriginForm(string target)
    {
        if (target.StartsWith('/'))
        {
            return target;
        }

        var authority = target.IndexOf("://", StringComparison.Ordinal);
        var path = authority < 0 ? -1 : target.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0)
        {
            return "/";
        }

        path += authority + 3;
        return target[path] == '?' ? "/" + target[path..] : target[path..];
    }

    private void Expire()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            if (now < Next())
            {
                Arm(now);
                return;
            }

            Expired = true;
        }

        _expiry.Cancel();
    }

    private long Next() => _responded ? _deadline : Math.Min(_deadline, _responseDeadline);

    private void Arm(long now)
    {
        if (Next() is var next and not long.MaxValue)
        {
            // A timer may fire up to a millisecond early; the check in Expire sets it again.
            _timer.Change(_time.GetElapsedTime(now, next) + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
