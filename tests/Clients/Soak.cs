using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Knet.Tests.Clients;

/// <summary>The hour: one writer, three watchers that reconnect in different ways, two candidates, and a report every minute.</summary>
internal sealed class Soak(Kubernetes client, TimeProvider time) : IDisposable
{
    private const string Namespace = "clients-soak";
    private const int Names = 25;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Never = TimeSpan.FromDays(1);

    private readonly Counters _counters = new();
    private readonly Expectations[] _expected = [new(), new(), new()];
    private readonly CancellationTokenSource _stop = new();

    public void Dispose() => _stop.Dispose();

    /// <returns>Whether every write was seen by every watcher and nothing failed.</returns>
    public async Task<bool> RunAsync(TimeSpan duration)
    {
        await PrepareAsync();
        WatchLoop[] watchers =
        [
            new(client, Namespace, _expected[0], _counters, 240, Never, time),
            new(client, Namespace, _expected[1], _counters, 3600, TimeSpan.FromSeconds(47), time),
            new(client, Namespace, _expected[2], _counters, 7200, Never, time),
        ];
        foreach (var watcher in watchers)
        {
            await watcher.ListAsync(CancellationToken.None);
        }

        var election = new Election(client, Namespace, _counters, time);
        List<Task> all =
        [
            .. watchers.Select(w => w.RunAsync(_stop.Token)),
            election.RunAsync("first", _stop.Token), election.RunAsync("second", _stop.Token), ReportAsync(),
        ];
        await WriteAsync(duration);

        // What was written last needs a moment to arrive.
        await Task.Delay(TimeSpan.FromSeconds(10), time);
        Report("end");
        await _stop.CancelAsync();
        await Task.WhenAll(all);
        await client.CoreV1.DeleteNamespaceAsync(Namespace);
        return _counters is { Errors: 0, TwoLeaders: 0 } && _expected.All(e => e.Missing == 0);
    }

    private async Task PrepareAsync()
    {
        try
        {
            await client.CoreV1.CreateNamespaceAsync(new V1Namespace { Metadata = new V1ObjectMeta { Name = Namespace } });
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == System.Net.HttpStatusCode.Conflict)
        {
            await client.CoreV1.DeleteCollectionNamespacedConfigMapAsync(Namespace);
        }
    }

    private async Task WriteAsync(TimeSpan duration)
    {
        var maps = new V1ConfigMap?[Names];
        var start = time.GetTimestamp();
        for (var number = 0; time.GetElapsedTime(start) < duration; number++)
        {
            var at = Random.Shared.Next(Names);
            try
            {
                maps[at] = await WriteAsync(maps[at], $"m{at}", number);
                Interlocked.Increment(ref _counters.Writes);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or HttpOperationException)
            {
                _counters.Fail("write", e);
            }

            await Task.Delay(Pause, time);
        }
    }

    private async Task<V1ConfigMap?> WriteAsync(V1ConfigMap? map, string name, int number)
    {
        if (map is not null && Random.Shared.Next(5) == 0)
        {
            await client.CoreV1.DeleteNamespacedConfigMapAsync(name, Namespace);
            Array.ForEach(_expected, e => e.Wrote(map, deleted: true));
            return null;
        }

        var data = new Dictionary<string, string> { [Expectations.Number] = $"{number}" };
        var written = map is null
            ? await client.CoreV1.CreateNamespacedConfigMapAsync(
                new V1ConfigMap { Metadata = new V1ObjectMeta { Name = name }, Data = data }, Namespace)
            : number % 2 == 0
                ? await client.CoreV1.ReplaceNamespacedConfigMapAsync(map with { Data = data }, name, Namespace)
                : await client.CoreV1.PatchNamespacedConfigMapAsync(
                    new V1Patch($"{{\"data\":{{\"{Expectations.Number}\":\"{number}\"}}}}", V1Patch.PatchType.MergePatch), name, Namespace);
        Array.ForEach(_expected, e => e.Wrote(written));
        return written;
    }

    private async Task ReportAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMinutes(1), time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Report("");
        }
    }

    private void Report(string word)
    {
        var c = _counters;
        Console.WriteLine(
            $"{time.GetUtcNow():HH:mm:ss} {word} writes={c.Writes} events={c.Events} missing={string.Join('/', _expected.Select(e => e.Missing))} " +
            $"bookmarks={c.Bookmarks} lists={c.Lists} reconnects={c.Reconnects} expired={c.Expired} " +
            $"renewals={c.Renewals} terms={c.Terms} two-leaders={c.TwoLeaders} errors={c.Errors}");
    }
}
