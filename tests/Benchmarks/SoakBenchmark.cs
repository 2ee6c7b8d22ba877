using System.Text;
using System.Text.Json.Nodes;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// Mixed load for as long as wanted: new revisions, splits, roll-backs, scaling to zero and back, pods deleted and pods killed, while every URL
/// (each service's own and each tag's) is asked all the time. A failed request is a finding, unless its pod was just killed by force.
/// </summary>
internal static class SoakBenchmark
{
    // After a kill by force the requests in flight at that pod are lost, which Knative allows; nothing else is.
    private static readonly TimeSpan Excused = TimeSpan.FromSeconds(3);

    public static async Task<int> RunAsync(Options options)
    {
        var services = Math.Min(options.Services, 50);
        var random = new Random(1);
        await Knet.KubectlAsync(Manifests(services, options.Image), ["apply", "-f", "-"]);
        try
        {
            await Knet.KubectlAsync("wait", "ksvc", "-l", "bench=soak", "--for=condition=Ready", "--timeout=120s");
            var before = await DaemonMegabytesAsync();
            using var end = new CancellationTokenSource(TimeSpan.FromSeconds(options.Seconds), TimeProvider.System);
            var port = await Knet.GatewayPortAsync();
            var probers = Enumerable.Range(0, services).SelectMany(i => (SoakProber[])
            [
                new($"soak-{i}", $"soak-{i}.default.localhost", isBursty: i % 2 == 1),
                new($"soak-{i}", $"first-soak-{i}.default.localhost", isBursty: i % 3 != 0),
            ]).ToList();
            var running = probers.Select(p => p.RunAsync(port, end.Token)).ToList();
            var actions = await ActAsync(services, random, probers, end.Token);
            await Task.WhenAll(running);
            return Report(probers, actions, before, await DaemonMegabytesAsync());
        }
        finally
        {
            await Knet.KubectlAsync("delete", "ksvc", "-l", "bench=soak", "--wait=false");
        }
    }

    private static async Task<Dictionary<string, int>> ActAsync(
        int services, Random random, List<SoakProber> probers, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, int>();
        var version = 1;
        while (!cancellationToken.IsCancellationRequested)
        {
            var name = $"soak-{random.Next(services)}";
            var dice = random.Next(100);
            Note(probers, name, dice >= 90 ? "kill" : "an action that began");
            var action = dice switch
            {
                < 35 => await UpdateAsync(name, ++version),
                < 60 => await SplitAsync(name, random.Next(1, 100)),
                < 70 => await RollBackAsync(name),
                < 90 => await DeletePodAsync(name, isForced: false),
                _ => await DeletePodAsync(name, isForced: true),
            };
            Note(probers, name, action);
            counts[action] = counts.GetValueOrDefault(action) + 1;
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1 + random.NextDouble() * 2), TimeProvider.System, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        return counts;
    }

    private static void Note(List<SoakProber> probers, string service, string action)
    {
        var now = TimeProvider.System.GetUtcNow();
        foreach (var prober in probers.Where(p => p.Service == service))
        {
            prober.Note(action, now, action == "kill" ? Excused : TimeSpan.Zero);
        }
    }

    private static async Task<string> UpdateAsync(string name, int version)
    {
        var env = new JsonArray(new JsonObject { ["name"] = "TEXT", ["value"] = $"v{version}" });
        await PatchAsync(name, "json", new JsonArray(new JsonObject
        {
            ["op"] = "add", ["path"] = "/spec/template/spec/containers/0/env", ["value"] = env,
        }));
        return "update";
    }

    private static async Task<string> SplitAsync(string name, int percent)
    {
        await PatchAsync(name, "merge", Traffic(
            new JsonObject { ["latestRevision"] = true, ["percent"] = percent },
            new JsonObject { ["revisionName"] = $"{name}-00001", ["percent"] = 100 - percent, ["tag"] = "first" }));
        return "split";
    }

    private static async Task<string> RollBackAsync(string name)
    {
        await PatchAsync(name, "merge", Traffic(new JsonObject { ["revisionName"] = $"{name}-00001", ["percent"] = 100, ["tag"] = "first" }));
        return "roll back";
    }

    private static async Task<string> DeletePodAsync(string name, bool isForced)
    {
        var pods = await Knet.KubectlAsync("get", "pods", "-l", $"serving.knative.dev/service={name}", "-o", "name");
        if (pods.Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() is not { } pod)
        {
            return "nothing to delete";
        }

        string[] force = isForced ? ["--force", "--grace-period=0"] : [];
        await Knet.KubectlAsync(["delete", pod, "--wait=false", "--ignore-not-found", .. force]);
        return isForced ? "kill" : "delete pod";
    }

    private static JsonObject Traffic(params JsonNode[] targets) => new() { ["spec"] = new JsonObject { ["traffic"] = new JsonArray(targets) } };

    private static Task PatchAsync(string name, string type, JsonNode patch) =>
        Knet.KubectlAsync("patch", "ksvc", name, $"--type={type}", "-p", patch.ToJsonString());

    private static int Report(List<SoakProber> probers, Dictionary<string, int> actions, double before, double after)
    {
        var failures = probers.SelectMany(p => p.Failures).OrderBy(f => f.At).ToList();
        foreach (var failure in failures.Take(50))
        {
            Console.WriteLine(failure);
        }

        Console.WriteLine($"{probers.Sum(p => p.Requests)} requests to {probers.Count} URLs: {failures.Count} failed, "
            + $"{probers.Sum(p => p.ExcusedFailures)} more at pods killed by force");
        Console.WriteLine($"actions: {string.Join(", ", actions.OrderBy(a => a.Key).Select(a => $"{a.Value} x {a.Key}"))}");
        Console.WriteLine($"answers, ms: {new Summary(probers.SelectMany(p => p.Milliseconds))} ({Machine.Description})");
        Console.WriteLine($"daemon: {before:0} MB PSS before, {after:0} MB after");
        return failures.Count == 0 ? 0 : 1;
    }

    private static async Task<double> DaemonMegabytesAsync() =>
        FootprintBenchmark.PssMegabytes((await Knet.StatusAsync()).GetProperty("pid").GetInt32());

    private static string Manifests(int services, string image)
    {
        var yaml = new StringBuilder();
        for (var i = 0; i < services; i++)
        {
            yaml.AppendLine($$"""
                ---
                apiVersion: serving.knative.dev/v1
                kind: Service
                metadata:
                  name: soak-{{i}}
                  labels: {bench: soak}
                spec:
                  template:
                    metadata:
                      annotations: {autoscaling.knative.dev/window: 6s}
                    spec:
                      containers:
                      - image: {{image}}
                  traffic:
                  - {latestRevision: true, percent: 100}
                  - {revisionName: soak-{{i}}-00001, percent: 0, tag: first}
                """);
        }

        return yaml.ToString();
    }
}
