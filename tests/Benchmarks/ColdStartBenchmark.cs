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
    // The last mark of each part, and what the part is called.
    private static readonly (string Mark, string Name)[] Parts =
        [("decided", "decide"), ("created", "create"), ("started", "start"), ("ready", "ready"), ("firstByte", "respond")];

    public static async Task<int> RunAsync(Options options)
    {
        var before = await Knet.KubectlAsync("get", "configmap", "config-autoscaler", "-n", "knative-serving", "-o", "jsonpath={.data}");
        await PatchAsync("6s", "1s");
        try
        {
            await Knet.KubectlAsync(Services(options), ["apply", "-f", "-"]);
            await Knet.KubectlAsync("wait", "ksvc", "-l", "bench=coldstart", "--for=condition=Ready", "--timeout=600s");
            return await MeasureAsync(options);
        }
        finally
        {
            var data = JsonNode.Parse(before.Length == 0 ? "{}" : before)!;
            await PatchAsync((string?)data["stable-window"], (string?)data["scale-to-zero-grace-period"]);
            await Knet.KubectlAsync("delete", "ksvc", "-l", "bench=coldstart", "--wait=false");
        }
    }

    private static async Task<int> MeasureAsync(Options options)
    {
        var seen = new List<double>();
        var parts = new Dictionary<string, List<double>> { ["queue"] = [] };
        var failures = 0;
        var port = await Knet.GatewayPortAsync();
        for (var round = 0; round < options.Rounds; round++)
        {
            await Knet.WaitAsync(NoPodsAsync, TimeSpan.FromSeconds(120 + options.Services), "all services at zero");
            using var http = Client(port);
            await http.GetAsync(new Uri("http://warm-up.invalid/"));
            var since = DateTimeOffset.MinValue;
            var known = await RecordsAsync();
            since = known.Count > 0 ? known[^1]!["at"]!.GetValue<DateTimeOffset>() : since;
            var answers = new Dictionary<string, double>();
            for (var i = 0; i < options.Services; i++)
            {
                var start = Stopwatch.GetTimestamp();
                using var response = await http.GetAsync(new Uri($"http://bench-{i}.default.localhost/"));
                if (response.IsSuccessStatusCode)
                {
                    answers.Add($"bench-{i}-00001", Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
                else
                {
                    failures++;
                    Console.WriteLine($"bench-{i}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                }
            }

            seen.AddRange(answers.Values);
            Collect((await RecordsAsync()).Where(r => r!["at"]!.GetValue<DateTimeOffset>() > since), answers, parts);
            Console.WriteLine($"round {round + 1}: {new Summary(answers.Values)}");
        }

        Console.WriteLine($"scale from zero to first byte, ms ({Machine.Description}):");
        Console.WriteLine($"  {"in all",-8} {new Summary(seen)}");
        foreach (var name in (IEnumerable<string>)["queue", .. Parts.Select(p => p.Name)])
        {
            Console.WriteLine($"  {name,-8} {new Summary(parts.GetValueOrDefault(name, []))}");
        }

        Console.WriteLine($"  {failures} of {seen.Count + failures} requests failed");
        return failures == 0 ? 0 : 1;
    }

    /// <summary>
    /// The length of each part: from one mark to the next. What the client saw beyond the daemon's record is "queue": the request's way to
    /// the Revision's buffer, and the answer's way back.
    /// </summary>
    private static void Collect(IEnumerable<JsonNode?> records, Dictionary<string, double> answers, Dictionary<string, List<double>> parts)
    {
        foreach (var record in records)
        {
            if (!answers.TryGetValue((string)record!["revision"]!, out var seen))
            {
                continue;
            }

            var last = 0.0;
            foreach (var (mark, name) in Parts)
            {
                if (record[mark] is { } at)
                {
                    Add(parts, name, at.GetValue<double>() - last);
                    last = at.GetValue<double>();
                }
            }

            Add(parts, "queue", seen - last);
        }
    }

    private static void Add(Dictionary<string, List<double>> parts, string name, double value)
    {
        if (!parts.TryGetValue(name, out var values))
        {
            parts[name] = values = [];
        }

        values.Add(value);
    }

    private static Task PatchAsync(string? window, string? grace)
    {
        var data = new JsonObject { ["stable-window"] = window, ["scale-to-zero-grace-period"] = grace };
        return Knet.KubectlAsync(
            "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge",
            "-p", new JsonObject { ["data"] = data }.ToJsonString());
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

    /// <summary>Every host name leads to the gateway.</summary>
    public static HttpClient Client(int port) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });
}
