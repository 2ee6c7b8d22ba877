using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Knet.Daemon.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Admin;

/// <summary>One request to the administration socket.</summary>
internal delegate Task AdminHandler(HttpContext context);

/// <summary>A refusal that <c>knet</c> prints as it is.</summary>
internal sealed class AdminException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}

/// <summary>
/// The administration socket: what <c>knet</c> on this machine asks. Plain HTTP over a Unix socket that only root can open.
/// </summary>
internal sealed partial class AdminServer(string socketPath, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly Dictionary<string, AdminHandler> _routes = new(StringComparer.Ordinal);
    private readonly ILogger _log = loggers.CreateLogger<AdminServer>();
    private WebApplication? _app;

    /// <summary>Adds a route such as <c>GET /v1/status</c>. Before <see cref="StartAsync"/> only.</summary>
    public void Map(string methodAndPath, AdminHandler handler) => _routes.Add(methodAndPath, handler);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(socketPath)!);
        File.Delete(socketPath);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggers);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Unpacking an image reads its tar as it needs it, on a thread of its own.
            kestrel.AllowSynchronousIO = true;

            // Images come through here: their size is the disk's business.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.ListenUnixSocket(socketPath);
        });
        _app = builder.Build();
        _app.Run(HandleAsync);
        await _app.StartAsync(cancellationToken);
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    public static Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted);
    }

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            if (!_routes.TryGetValue($"{context.Request.Method} {context.Request.Path}", out var handler))
            {
                throw new AdminException(404, $"the daemon knows no {context.Request.Method} {context.Request.Path}: is it older than this knet?");
            }

            await handler(context);
        }
        catch (AdminException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = e.Code;
            await WriteAsync(context, new ErrorReport(e.Message), AdminJson.Default.ErrorReport);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller has gone.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            Log.Failed(_log, e, context.Request.Method, context.Request.Path);
            context.Response.StatusCode = 500;
            await WriteAsync(context, new ErrorReport(e.Message), AdminJson.Default.ErrorReport);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(13, LogLevel.Error, "{Method} {Path} failed")]
        public static partial void Failed(ILogger log, Exception error, string method, string path);
    }
}
