using System.Diagnostics;

namespace Knet.Tests.Benchmarks;

/// <summary><c>knet up</c> until it says ready, as the user waits for it.</summary>
internal static class StartupBenchmark
{
    public static async Task<int> RunAsync(Options options)
    {
        var first = new List<double>();
        var again = new List<double>();
        for (var i = 0; i < options.Rounds; i++)
        {
            var home = Directory.CreateTempSubdirectory("knet-bench-").FullName;
            var environment = new Dictionary<string, string> { ["KNET_HOME"] = home, ["KUBECONFIG"] = Path.Combine(home, "user") };
            first.Add(await UpAsync(options, environment));
            await Knet.RunAsync(Knet.Program, ["down"], environment: environment);
            again.Add(await UpAsync(options, environment));
            await Knet.RunAsync(Knet.Program, ["down", "--purge"], environment: environment);
        }

        Console.WriteLine(Machine.Description);
        Console.WriteLine($"knet up, new data directory, ms:      {new Summary(first)}");
        Console.WriteLine($"knet up, existing data directory, ms: {new Summary(again)}");
        return 0;
    }

    private static async Task<double> UpAsync(Options options, Dictionary<string, string> environment)
    {
        var start = Stopwatch.GetTimestamp();
        await Knet.UpAsync(options, environment);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
