using System.Diagnostics;
using System.Net.Sockets;

namespace Knet.Tests.Benchmarks;

/// <summary>A request that failed, and what was done to its service last.</summary>
internal sealed record SoakFailure(DateTimeOffset At, string Host, string What, string After, TimeSpan Since)
{
    public override string ToString() => $"{At:HH:mm:ss.fff} {Host}: {What} ({Since.TotalSeconds:0.0} s after {After})";
}

/// <summary>
/// Asks one URL until the end: five times a second, or, when bursty, for three seconds out of fifteen, so that its service goes to zero.
/// </summary>
internal sealed class SoakProber(string service, string host, bool isBursty)
{
    private readonly List<double> _milliseconds = [];
    private readonly List<SoakFailure> _failures = [];
    private volatile Last _last = new("its creation", DateTimeOffset.MinValue, DateTimeOffset.MinValue);

    public string Service => service;
    public int Requests { get; private set; }
    public int ExcusedFailures { get; private set; }
    public IReadOnlyList<double> Milliseconds => _milliseconds;
    public IReadOnlyList<SoakFailure> Failures => _failures;

    /// <summary>What was just done to the service; failures are excused for a while after a kill.</summary>
    public void Note(string action, DateTimeOffset at, TimeSpan excused) =>
        _last = new(action, at, excused > TimeSpan.Zero ? at + excused : _last.ExcusedUntil);

    public async Task RunAsync(int port, CancellationToken cancellationToken)
    {
        using var http = Client(port);
        var begin = TimeProvider.System.GetUtcNow();
        while (!cancellationToken.IsCancellationRequested)
        {
            var now = TimeProvider.System.GetUtcNow();
            var isQuiet = isBursty && (now - begin).TotalSeconds % 15 > 3;
            if (!isQuiet)
            {
                await AskAsync(http);
            }

            try
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task AskAsync(HttpClient http)
    {
        Requests++;
        var start = Stopwatch.GetTimestamp();
        var failure = await TryAsync(http);
        _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        if (failure is null)
        {
            return;
        }

        var now = TimeProvider.System.GetUtcNow();
        var last = _last;
        if (now < last.ExcusedUntil)
        {
            ExcusedFailures++;
            return;
        }

        _failures.Add(new(now, host, failure, last.Action, now - last.At));
    }

    private async Task<string?> TryAsync(HttpClient http)
    {
        try
        {
            using var response = await http.GetAsync(new Uri($"http://{host}/"));
            var body = await response.Content.ReadAsStringAsync();
            return response.IsSuccessStatusCode ? null : $"{(int)response.StatusCode} {body.Trim()}";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException)
        {
            return e.Message;
        }
    }

    private static HttpClient Client(int port) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { Timeout = TimeSpan.FromSeconds(30) };

    private sealed record Last(string Action, DateTimeOffset At, DateTimeOffset ExcusedUntil);
}
