using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles.Installed;

/// <summary>One entry of the daemon's log.</summary>
internal sealed record RoleLogLine(DateTimeOffset Time, string Text);

/// <summary>
/// Keeps the latest entries of the daemon's log by role, for <c>kubectl logs</c> of the pods that stand for them. Everything is in the
/// daemon's own log as well.
/// </summary>
/// <param name="time">Stamps the entries.</param>
/// <param name="linesMax">How many entries a role keeps; older ones go.</param>
internal sealed class RoleLogs(TimeProvider time, int linesMax = 2000) : ILoggerProvider
{
    // The first that the category begins with; what belongs to none of them is the API server's, the node's or the daemon's own.
    private static readonly (string Category, string Role)[] Owners =
    [
        ("Knet.Controllers.podautoscaler-", "autoscaler"), ("Knet.Controllers.metric-", "autoscaler"),
        ("Knet.Serving.Autoscaler.Hpa", "autoscaler-hpa"), ("Knet.Serving.Autoscaler", "autoscaler"),
        ("Knet.Serving.Webhook", "webhook"), ("Knet.Kube.Admission", "webhook"),
        ("Knet.Controllers.ingress-", KnativeObjects.GatewayService), ("Knet.Gateway", KnativeObjects.GatewayService),
        ("Knet.DataPlane", "activator"),
        ("Knet.Controllers", InstalledRole.Controller), ("Knet.Serving", InstalledRole.Controller),
        ("Knet.Kube", InstalledRole.Controller), ("Knet.Daemon", InstalledRole.Controller),
    ];

    private readonly ConcurrentDictionary<string, Buffer> _buffers = new(StringComparer.Ordinal);

    public ILogger CreateLogger(string categoryName)
    {
        var role = Owners.FirstOrDefault(o => categoryName.StartsWith(o.Category, StringComparison.Ordinal)).Role;
        return role is null ? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance : new RoleLogger(this, Of(role), categoryName);
    }

    /// <summary>The entries after a position, and the position after them; the task completes when there are more.</summary>
    /// <param name="role">The role's name; one without a log has an empty one.</param>
    /// <param name="after">0 for all that are kept.</param>
    public (IReadOnlyList<RoleLogLine> Lines, long Next, Task More) Read(string role, long after) => Of(role).Read(after);

    public void Dispose()
    {
    }

    private Buffer Of(string role) => _buffers.GetOrAdd(role, _ => new Buffer(linesMax));

    private sealed class Buffer(int max)
    {
        private readonly Lock _gate = new();
        private readonly Queue<RoleLogLine> _lines = new();
        private long _written;
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(RoleLogLine line)
        {
            TaskCompletionSource waiting;
            lock (_gate)
            {
                _lines.Enqueue(line);
                _written++;
                if (_lines.Count > max)
                {
                    _lines.Dequeue();
                }

                waiting = _more;
                _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            waiting.SetResult();
        }

        public (IReadOnlyList<RoleLogLine> Lines, long Next, Task More) Read(long after)
        {
            lock (_gate)
            {
                var skip = Math.Max(0, after - (_written - _lines.Count));
                return ([.. _lines.Skip((int)skip)], _written, _more.Task);
            }
        }
    }

    private sealed class RoleLogger(RoleLogs logs, Buffer buffer, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var now = logs.Now();
            var text = new StringBuilder()
                .Append(now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append(' ')
                .Append(logLevel switch
                {
                    LogLevel.Trace => "trce",
                    LogLevel.Debug => "dbug",
                    LogLevel.Warning => "warn",
                    LogLevel.Error => "fail",
                    LogLevel.Critical => "crit",
                    _ => "info",
                })
                .Append(": ").Append(category).Append('[').Append(eventId.Id).Append("] ").Append(formatter(state, exception));
            if (exception is not null)
            {
                text.Append(' ').Append(exception);
            }

            buffer.Add(new RoleLogLine(now, text.Replace(Environment.NewLine, " ").ToString()));
        }
    }

    private DateTimeOffset Now() => time.GetUtcNow();
}
