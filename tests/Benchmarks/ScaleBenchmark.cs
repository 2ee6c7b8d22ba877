using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// The control plane by the number of Services that stand at zero: what creating them takes, what one more takes until it is Ready, memory,
/// idle CPU, a cold start of one among them, and a restart of the daemon with all of them stored.
/// </summary>
internal static class ScaleBenchmark
{
    private const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";
    private const int Samples = 5, AtOnce = 16;

    // A Revision's decisions of its first minute and the collector's looks after a burst are over by then.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(30), Idle = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(Options options)
    {
        Console.WriteLine(Machine.Description);
        using var api = new ApiConnection();
        await AllowZeroAsync("true");
        try
        {
            var stored = 0;
            foreach (var count in options.Steps)
            {
                await CreateAsync(api, options, stored, count);
                stored = count;
                await MeasureAsync(api, options, count);
            }

            await RestartAsync(options, stored);
            return 0;
        }
        finally
        {
            await AllowZeroAsync(null);
            var start = Stopwatch.GetTimestamp();
            await api.SendAsync(HttpMethod.Delete, $"{Services}?labelSelector=bench%3Dscale", null);
            Print($"  deleting them: {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s until the answer");
        }
    }

    private static async Task CreateAsync(ApiConnection api, Options options, int from, int to)
    {
        using var over = new CancellationTokenSource();
        var ready = new ReadyCount(to - from);
        await api.WatchAsync($"{Services}?labelSelector=bench%3Dscale", ready.See, over.Token);
        var start = Stopwatch.GetTimestamp();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = AtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(from, to - from), parallel, async (i, _) =>
            await api.SendAsync(HttpMethod.Post, Services, Service($"scale-{i}", options.Image, isAtZero: true)));
        var created = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await ready.All.WaitAsync(TimeSpan.FromMinutes(60), TimeProvider.System, CancellationToken.None);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await over.CancelAsync();
        Print($"{to} Services ({to - from} more): created in {created:0.0} s, all Ready after {seconds:0.0} s, {(to - from) / seconds:0} a second");
    }

    private static async Task MeasureAsync(ApiConnection api, Options options, int count)
    {
        await Task.Delay(Settle, TimeProvider.System, CancellationToken.None);
        using var daemon = Process.GetProcessById((await Knet.StatusAsync()).GetProperty("pid").GetInt32());
        var cpu = daemon.TotalProcessorTime;
        await Task.Delay(Idle, TimeProvider.System, CancellationToken.None);
        daemon.Refresh();
        var used = (daemon.TotalProcessorTime - cpu).TotalSeconds / Idle.TotalSeconds * 100;
        Print($"  memory {FootprintBenchmark.PssMegabytes(daemon.Id):0} MB PSS, idle {used:0.00} % of a core");
        Print($"  one more, at zero, ms until Ready: {await OneMoreAsync(api, options, isAtZero: true)}");
        Print($"  one more, with a pod, ms until Ready: {await OneMoreAsync(api, options, isAtZero: false)}");
        Print($"  cold start of one among them, ms: {await ColdStartsAsync(count)}");
    }

    private static async Task<Summary> OneMoreAsync(ApiConnection api, Options options, bool isAtZero)
    {
        var taken = new List<double>();
        for (var i = 0; i < Samples; i++)
        {
            var name = $"one-more-{i}";
            using var over = new CancellationTokenSource();
            var ready = new ReadyCount(1);
            await api.WatchAsync($"{Services}?fieldSelector=metadata.name%3D{name}", ready.See, over.Token);
            var start = Stopwatch.GetTimestamp();
            await api.SendAsync(HttpMethod.Post, Services, Service(name, options.Image, isAtZero));
            await ready.All.WaitAsync(TimeSpan.FromMinutes(2), TimeProvider.System, CancellationToken.None);
            taken.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await over.CancelAsync();
            await Knet.KubectlAsync("delete", "ksvc", name, "--cascade=foreground");
        }

        return new Summary(taken);
    }

    private static async Task<Summary> ColdStartsAsync(int count)
    {
        using var http = ColdStartBenchmark.Client(await Knet.GatewayPortAsync());
        var taken = new List<double>();
        for (var i = 0; i < Samples; i++)
        {
            // Spread over all, and others than in the step before.
            var host = $"scale-{count - 1 - (i * count / Samples / 2)}.default.localhost";
            var start = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(new Uri($"http://{host}/"));
            answer.EnsureSuccessStatusCode();
            taken.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return new Summary(taken);
    }

    private static async Task RestartAsync(Options options, int stored)
    {
        await Knet.RunAsync(Knet.Program, ["down"]);
        var start = Stopwatch.GetTimestamp();
        await Knet.UpAsync(options, new Dictionary<string, string>());
        var up = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        using var http = ColdStartBenchmark.Client(await Knet.GatewayPortAsync());
        using var answer = await http.GetAsync(new Uri($"http://scale-{stored / 2}.default.localhost/"));
        answer.EnsureSuccessStatusCode();
        Print($"restart with {stored} stored, ms: knet up {up:0}, first answer {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0}");
    }

    private static Task AllowZeroAsync(string? value) => Knet.KubectlAsync(
        "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p",
        new JsonObject { ["data"] = new JsonObject { ["allow-zero-initial-scale"] = value } }.ToJsonString());

    private static object Service(string name, string image, bool isAtZero)
    {
        var annotations = new Dictionary<string, string> { ["autoscaling.knative.dev/window"] = "6s" };
        if (isAtZero)
        {
            annotations["autoscaling.knative.dev/initial-scale"] = "0";
        }

        return new
        {
            apiVersion = "serving.knative.dev/v1",
            kind = "Service",
            metadata = new { name, labels = new { bench = "scale" } },
            spec = new { template = new { metadata = new { annotations }, spec = new { containers = new[] { new { image } } } } },
        };
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Counts the Services that a watch shows to have become Ready.</summary>
    private sealed class ReadyCount(int wanted)
    {
        private readonly HashSet<string> _ready = [];
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task All => _all.Task;

        // One watch calls, one line after the other.
        public void See(string line)
        {
            using var change = JsonDocument.Parse(line);
            var seen = change.RootElement.GetProperty("object");
            if (change.RootElement.GetProperty("type").GetString() is "ADDED" or "MODIFIED" && IsReady(seen)
                && _ready.Add(seen.GetProperty("metadata").GetProperty("name").GetString()!) && _ready.Count == wanted)
            {
                _all.TrySetResult();
            }
        }

        private static bool IsReady(JsonElement service) =>
            service.TryGetProperty("status", out var status) && status.TryGetProperty("conditions", out var conditions)
            && conditions.EnumerateArray().Any(c => c.GetProperty("type").GetString() == "Ready" && c.GetProperty("status").GetString() == "True");
    }
}
