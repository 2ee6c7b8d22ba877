using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Knet.Tests.Benchmarks;

/// <summary>
/// Requests to a service that runs: through the gateway, and to the program itself from inside the pod's network namespace. The difference
/// is the price of the one proxy hop. wrk must be installed.
/// </summary>
internal static class WarmBenchmark
{
    private const string Service = """
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata: {name: bench-warm, labels: {bench: warm}}
        spec:
          template:
            metadata:
              labels: {bench: warm}
              annotations: {autoscaling.knative.dev/min-scale: "1", autoscaling.knative.dev/max-scale: "1"}
            spec:
              containers:
              - image: 
        """;

    public static async Task<int> RunAsync(Options options)
    {
        await Knet.KubectlAsync(Service + options.Image, ["apply", "-f", "-"]);
        try
        {
            await Knet.KubectlAsync("wait", "ksvc", "bench-warm", "--for=condition=Ready", "--timeout=60s");
            var pods = JsonNode.Parse(await Knet.KubectlAsync("get", "pods", "-l", "bench=warm", "-o", "json"))!["items"]!.AsArray();
            var pid = ProcessAt((string)pods[0]!["status"]!["podIP"]!);
            var port = await Knet.GatewayPortAsync();
            Console.WriteLine(Machine.Description);
            foreach (var connections in (int[])[1, 50])
            {
                string[] load =
                [
                    "wrk", "-t1", "-c", $"{connections}", "-d", $"{options.Seconds}s", "--latency", "-H", "Host: bench-warm.default.localhost",
                ];
                var through = await Knet.RunAsync(load[0], [.. load[1..], $"http://127.0.0.1:{port}/"]);
                Report($"through the gateway, {connections} connections", through);
                string[] inside = ["-t", pid.ToString(CultureInfo.InvariantCulture), "-n", "--", .. load, "http://127.0.0.1:8080/"];
                Report($"the program itself,  {connections} connections", await Knet.RunAsync("nsenter", inside));
            }

            return 0;
        }
        finally
        {
            await Knet.KubectlAsync("delete", "ksvc", "bench-warm", "--wait=false");
        }
    }

    private static void Report(string what, string output)
    {
        var lines = output.Split('\n');
        string Field(string name) => lines.FirstOrDefault(l => l.TrimStart().StartsWith(name, StringComparison.Ordinal))?
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1] ?? "?";
        var wrong = lines.FirstOrDefault(
            l => l.Contains("Non-2xx", StringComparison.Ordinal) || l.Contains("Socket errors", StringComparison.Ordinal));
        Console.WriteLine($"{what,-42} {Field("Requests/sec:"),10} requests/s  median {Field("50%")}  p99 {Field("99%")}  {wrong?.Trim()}");
    }

    /// <summary>A process in the pod that has this address: its network namespace shows it in its table of local addresses.</summary>
    private static int ProcessAt(string address) => Directory.EnumerateDirectories("/proc")
        .Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0)
        .First(pid => pid > 0 && Regex.IsMatch(Routes(pid), $@"-- {Regex.Escape(address)}\s+/32 host LOCAL"));

    private static string Routes(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/net/fib_trie");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // it has ended
        }
    }
}
