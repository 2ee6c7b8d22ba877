using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Breaker;
using Knet.DataPlane.Routing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.DataPlane.Forwarding;

/// <summary>
/// Takes a request to its backend and the answer back: waits for an instance, limits, bounds the time, and tries again as long as nothing
/// was sent.
/// </summary>
/// <remarks>Hot. Beside what forwarding itself costs, a request allocates the one task that its server waits for.</remarks>
public sealed partial class RequestForwarder : IDisposable
{
    private const int SparesMax = 4096;

    private readonly ConcurrentQueue<Exchange> _spares = new();
    private readonly ServiceProvider _services;
    private readonly IHttpForwarder _forwarder;
    private readonly HttpMessageInvoker _shared;
    private readonly RevisionStates _revisions;
    private readonly DataPlaneOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<RequestForwarder> _log;

    public RequestForwarder(RevisionStates revisions, ILoggerFactory logs)
    {
        _revisions = revisions;
        _options = revisions.Options;
        _time = revisions.Time;
        _log = logs.CreateLogger<RequestForwarder>();

        // The forwarder would log every attempt with its stack; one line for each request that failed in the end says more.
        _services = new ServiceCollection().AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddLogging().AddHttpForwarder()
            .BuildServiceProvider();
        _forwarder = _services.GetRequiredService<IHttpForwarder>();
        _shared = InstanceClients.CreateShared(_options);
    }

    /// <summary>Forwards to a Revision.</summary>
    /// <param name="pinned">The only instance that will do (requests that address a pod), or null for any.</param>
    /// <param name="host">The Host to send; null keeps the client's.</param>
    public async Task ForwardAsync(HttpContext context, RevisionState revision, InstanceState? pinned = null, string? host = null)
    {
        var exchange = Rent(context, host);
        var settings = revision.Settings;
        revision.Traffic.Enter();
        try
        {
            exchange.Begin(settings.Timeout, settings.ResponseStartTimeout);
            for (var attempt = 1; ; attempt++)
            {
                var instance = pinned is null ? revision.TryEnter() : null;
                if (instance is null)
                {
                    exchange.Watch(_revisions.ColdStarts, revision.Namespace, revision.Name);
                    var admission = pinned is null
                        ? await revision.EnterAsync(context.RequestAborted, exchange.Token)
                        : await revision.EnterAsync(pinned, context.RequestAborted, exchange.Token);
                    if (admission.Instance is null)
                    {
                        await Answers.NotAdmittedAsync(context, admission.Result, exchange.Expired);
                        return;
                    }

                    instance = admission.Instance;
                }

                var record = _revisions.RequestLogs.Begin(instance.Address, context);
                var error = ForwarderError.Request;
                try
                {
                    error = await _forwarder.SendAsync(
                        context, instance.Prefix, instance.Client, revision.RequestConfig, exchange, exchange.Token);
                }
                finally
                {
                    revision.Leave(instance);
                }

                if (error == ForwarderError.None || !MayTryAgain(context, exchange, attempt))
                {
                    await EndAsync(context, exchange, instance.Prefix, error, attempt);
                    record?.End();
                    return;
                }

                record?.Abandon();
                await PauseAsync(revision, instance, exchange, attempt);
            }
        }
        finally
        {
            revision.Traffic.Leave();
            Return(exchange);
        }
    }

    /// <summary>Forwards to the addresses of an ordinary Service; 503 when there are none or none can be reached.</summary>
    public async Task ForwardAsync(HttpContext context, AddressBackend backend, string? host = null)
    {
        var exchange = Rent(context, host);
        try
        {
            var config = backend.Http2 ? Http2Config : Http1Config;
            for (var attempt = 1; ; attempt++)
            {
                if (backend.Next() is not { } prefix)
                {
                    await Answers.TextAsync(context, StatusCodes.Status503ServiceUnavailable, "no healthy upstream");
                    return;
                }

                var error = await _forwarder.SendAsync(context, prefix, _shared, config, exchange, exchange.Token);
                if (error == ForwarderError.None)
                {
                    return;
                }

                if (attempt >= backend.Prefixes.Count || !MayTryAgain(context, exchange, attempt))
                {
                    Report(context, prefix, error, attempt);
                    await Answers.FailedAsync(context, error, exchange.Expired);
                    return;
                }
            }
        }
        finally
        {
            Return(exchange);
        }
    }

    public void Dispose()
    {
        _shared.Dispose();
        _services.Dispose();
    }

    private static ForwarderRequestConfig Http1Config { get; } = ConfigOf(HttpVersion.Version11);
    private static ForwarderRequestConfig Http2Config { get; } = ConfigOf(HttpVersion.Version20);

    private static ForwarderRequestConfig ConfigOf(Version version) => new()
    {
        Version = version,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = Timeout.InfiniteTimeSpan,
    };

    // Only when no connection could be opened: then not a byte of the request has left, and its body is untouched.
    private bool MayTryAgain(HttpContext context, Exchange exchange, int attempt)
    {
        if (attempt >= _options.DialAttemptsMax || context.Response.HasStarted || exchange.Expired ||
            context.RequestAborted.IsCancellationRequested || !Answers.IsUnsent(context))
        {
            return false;
        }

        context.Response.Clear();
        return true;
    }

    private ValueTask EndAsync(HttpContext context, Exchange exchange, string backend, ForwarderError error, int attempts)
    {
        if (error == ForwarderError.None)
        {
            return ValueTask.CompletedTask;
        }

        Report(context, backend, error, attempts);
        return new(Answers.FailedAsync(context, error, exchange.Expired));
    }

    // Others are tried at once; when there is only the one that failed, it gets a moment.
    private async ValueTask PauseAsync(RevisionState revision, InstanceState instance, Exchange exchange, int attempt)
    {
        var pause = _options.DialPause * Math.Pow(1.4, attempt - 1);
        instance.Avoid(_time.GetTimestamp() + (long)(pause.TotalSeconds * _time.TimestampFrequency));
        if (revision.ReadyCount <= attempt && !exchange.Token.IsCancellationRequested)
        {
            await Task.Delay(pause, _time, exchange.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A client that went away is no failure of ours.
    private void Report(HttpContext context, string backend, ForwarderError error, int attempts)
    {
        if (!context.RequestAborted.IsCancellationRequested && _log.IsEnabled(LogLevel.Warning))
        {
            Log.Failed(_log, backend, error, attempts, Answers.Cause(context));
        }
    }

    private Exchange Rent(HttpContext context, string? host)
    {
        if (!_spares.TryDequeue(out var exchange))
        {
            exchange = new Exchange(_time);
        }

        exchange.Prepare(context, host);
        return exchange;
    }

    private void Return(Exchange exchange)
    {
        if (exchange.End() && _spares.Count < SparesMax)
        {
            _spares.Enqueue(exchange);
        }
        else
        {
            exchange.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Warning, "{Backend}: a request failed ({Error}, attempt {Attempts}): {Cause}")]
        public static partial void Failed(ILogger logger, string backend, ForwarderError error, int attempts, string cause);
    }
}
