using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// Scale from zero to the first byte, seen by a client with one persistent connection, one service after another; and the named parts
/// of each start as the daemon recorded them.
/// </summary>
internal static class ColdStartBenchmark
{
    private static readonly string[] Parts = ["decided", "created", "started", "ready", "firstByte"];

    public static async Task<int> RunAsync(Options options)
    {
        await Knet.KubectlAsync(
            "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p",
            """{"data":{"stable-window":"6s","scale-to-zero-grace-period":"1s"}}""");
        await Knet.KubectlAsync(Services(options), ["apply", "-f", "-"]);
        await Knet.KubectlAsync("wait", "ksvc", "-l", "bench=coldstart", "--for=condition=Ready", "--timeout=300s");

        var seen = new List<double>();
        var parts = Parts.ToDictionary(p => p, _ => new List<double>());
        var port = await GatewayPortAsync();
        for (var round = 0; round < options.Rounds; round++)
        {
            await Knet.WaitAsync(NoPodsAsync, TimeSpan.FromSeconds(120), "all services at zero");
            using var http = Client(port);
            await http.GetAsync(new Uri($"http://warm-up.invalid/"));
            var before = (await RecordsAsync()).Count;
            for (var i = 0; i < options.Services; i++)
            {
                var start = Stopwatch.GetTimestamp();
                using var response = await http.GetAsync(new Uri($"http://bench-{i}.default.localhost/"));
                response.EnsureSuccessStatusCode();
                seen.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            var records = await RecordsAsync();
            Collect(records.Skip(Math.Min(before, Math.Max(0, records.Count - options.Services))), parts);
            Console.WriteLine($"round {round + 1}: {new Summary(seen.TakeLast(options.Services))}");
        }

        Console.WriteLine($"scale from zero to first byte, ms: {new Summary(seen)}");
        var names = new[] { "queue+decide", "create", "start", "ready", "respond" };
        for (var i = 0; i < Parts.Length; i++)
        {
            Console.WriteLine($"  {names[i],-13} {new Summary(parts[Parts[i]])}");
        }

        await Knet.KubectlAsync("delete", "ksvc", "-l", "bench=coldstart", "--wait=false");
        return 0;
    }

    /// <summary>The length of each part: from one mark to the next.</summary>
    private static void Collect(IEnumerable<JsonNode?> records, Dictionary<string, List<double>> parts)
    {
        foreach (var record in records)
        {
            var last = 0.0;
            foreach (var part in Parts)
            {
                if (record![part] is { } at)
                {
                    parts[part].Add(at.GetValue<double>() - last);
                    last = at.GetValue<double>();
                }
            }
        }
    }

    private static string Services(Options options)
    {
        var yaml = new StringBuilder();
        for (var i = 0; i < options.Services; i++)
        {
            yaml.AppendLine($$"""
                ---
                apiVersion: serving.knative.dev/v1
                kind: Service
                metadata:
                  name: bench-{{i}}
                  labels: {bench: coldstart}
                spec:
                  template:
                    metadata:
                      labels: {bench: coldstart}
                      annotations: {autoscaling.knative.dev/window: 6s}
                    spec:
                      containers:
                      - image: {{options.Image}}
                """);
        }

        return yaml.ToString();
    }

    private static async Task<bool> NoPodsAsync() =>
        JsonNode.Parse(await Knet.KubectlAsync("get", "pods", "-l", "bench=coldstart", "-o", "json"))!["items"]!.AsArray().Count == 0;

    private static async Task<JsonArray> RecordsAsync()
    {
        using var admin = Knet.Admin();
        return JsonNode.Parse(await admin.GetStringAsync(new Uri("/v1/coldstarts", UriKind.Relative)))!.AsArray();
    }

    private static async Task<int> GatewayPortAsync()
    {
        using var admin = Knet.Admin();
        using var status = JsonDocument.Parse(await admin.GetStringAsync(new Uri("/v1/status", UriKind.Relative)));
        return new Uri(status.RootElement.GetProperty("gateway").GetString()!).Port;
    }

    private static HttpClient Client(int port) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
