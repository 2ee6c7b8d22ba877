using System.Diagnostics;
using System.Globalization;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// The API server under many objects and many watches, over HTTPS: what an object and a watch cost in memory, and what a write costs by
/// the number of watches that see it and that do not.
/// </summary>
internal static class ApiBenchmark
{
    private const int Namespaces = 10, WatchesPerClient = 100, Writes = 300;

    private static readonly string Data = new('x', 200);

    public static async Task<int> RunAsync(Options options)
    {
        var pid = (await Knet.StatusAsync()).GetProperty("pid").GetInt32();
        using var api = new ApiConnection();
        using var over = new CancellationTokenSource();
        var clients = new List<ApiConnection>();
        Console.WriteLine(Machine.Description);
        try
        {
            for (var i = 0; i <= Namespaces; i++)
            {
                await api.SendAsync(HttpMethod.Post, "/api/v1/namespaces", new { metadata = new { name = Ns(i) } });
            }

            await MeasureAsync(api, "ConfigMap, none stored", Ns(0), "configmaps", null);
            var before = FootprintBenchmark.PssMegabytes(pid);
            var start = Stopwatch.GetTimestamp();
            var atOnce = new ParallelOptions { MaxDegreeOfParallelism = 16 };
            await Parallel.ForEachAsync(Enumerable.Range(0, options.Objects), atOnce, async (i, _) => await api.SendAsync(
                HttpMethod.Post, $"/api/v1/namespaces/{Ns(i % Namespaces)}/configmaps", Body($"o{i}", Data)));
            var full = FootprintBenchmark.PssMegabytes(pid);
            var rate = options.Objects / Stopwatch.GetElapsedTime(start).TotalSeconds;
            Print($"{options.Objects} ConfigMaps stored, {rate:0}/s; {before:0} -> {full:0} MB, {Each(before, full, options.Objects):0.0} KiB each");
            await MeasureAsync(api, "ConfigMap, no watch", Ns(0), "configmaps", null);

            var seen = new Arrivals();
            await OpenAsync(clients, options.Watches, i => Ns(i % Namespaces), seen, over.Token);
            var watched = FootprintBenchmark.PssMegabytes(pid);
            var each = Each(full, watched, options.Watches);
            Print($"{options.Watches} watches in {Namespaces} namespaces; {full:0} -> {watched:0} MB, {each:0.0} KiB each");
            await MeasureAsync(api, "Secret, watched by nobody", Ns(0), "secrets", null);
            await MeasureAsync(api, "ConfigMap in a namespace that nobody watches", Ns(Namespaces), "configmaps", null);
            var some = options.Watches / Namespaces;
            await MeasureAsync(api, $"ConfigMap, {some} watches see it", Ns(0), "configmaps", seen.Of(some));
            await OpenAsync(clients, options.Watches - some, _ => Ns(0), seen, over.Token);
            await MeasureAsync(api, $"ConfigMap, {options.Watches} watches see it", Ns(0), "configmaps", seen.Of(options.Watches));
            Print($"memory at the end {FootprintBenchmark.PssMegabytes(pid):0} MB");
            return 0;
        }
        finally
        {
            await over.CancelAsync();
            clients.ForEach(c => c.Dispose());
            for (var i = 0; i <= Namespaces; i++)
            {
                await api.SendAsync(HttpMethod.Delete, $"/api/v1/namespaces/{Ns(i)}", null);
            }
        }
    }

    private static double Each(double before, double after, int count) => (after - before) * 1024 / count;

    private static string Ns(int number) => $"bench-{number}";

    // Base64, so that it is right for a Secret, too.
    private static object Body(string name, string value) =>
        new { metadata = new { name }, data = new { a = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(value)) } };

    private static async Task OpenAsync(
        List<ApiConnection> clients, int count, Func<int, string> ns, Arrivals seen, CancellationToken cancellationToken)
    {
        for (var first = 0; first < count; first += WatchesPerClient)
        {
            var client = new ApiConnection();
            clients.Add(client);
            await Task.WhenAll(Enumerable.Range(first, Math.Min(WatchesPerClient, count - first)).Select(i =>
                client.WatchAsync($"/api/v1/namespaces/{ns(i)}/configmaps", _ => seen.Add(), cancellationToken)));
        }
    }

    // One write after the other; the next when everybody was told of the one before.
    private static async Task MeasureAsync(ApiConnection api, string what, string ns, string kind, Arrivals? told)
    {
        var path = $"/api/v1/namespaces/{ns}/{kind}";
        await api.SendAsync(HttpMethod.Post, path, Body("measured", "0"));
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
        var writes = new List<double>();
        var arrivals = new List<double>();
        for (var i = 0; i < Writes; i++)
        {
            var all = told?.Begin();
            var start = Stopwatch.GetTimestamp();
            await api.SendAsync(
                HttpMethod.Patch, path + "/measured", new { data = new { a = Convert.ToBase64String(BitConverter.GetBytes(i)) } },
                "application/merge-patch+json");
            writes.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (all is not null)
            {
                await all;
                arrivals.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        Print($"write: {what}: ms {new Summary(writes)}");
        if (told is not null)
        {
            Print($"       until the last of them was told: ms {new Summary(arrivals)}");
        }
    }

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Counts events over all watches.</summary>
    private sealed class Arrivals
    {
        private TaskCompletionSource _all = new();
        private int _wanted;
        private int _left;

        public Arrivals Of(int watches)
        {
            _wanted = watches;
            return this;
        }

        public Task Begin()
        {
            _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref _left, _wanted);
            return _all.Task;
        }

        public void Add()
        {
            if (Interlocked.Decrement(ref _left) == 0)
            {
                _all.TrySetResult();
            }
        }
    }
}
