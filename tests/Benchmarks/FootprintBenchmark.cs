using System.Diagnostics;
using System.Globalization;

namespace Knet.Tests.Benchmarks;

/// <summary>What an idle daemon takes: proportional set size and CPU time, 60 s after its start.</summary>
internal static class FootprintBenchmark
{
    public static async Task<int> RunAsync(Options options)
    {
        var home = Directory.CreateTempSubdirectory("knet-bench-").FullName;
        var environment = new Dictionary<string, string> { ["KNET_HOME"] = home, ["KUBECONFIG"] = Path.Combine(home, "user") };
        await Knet.UpAsync(options, environment);
        try
        {
            using var daemon = Process.GetProcessById((await Knet.StatusAsync()).GetProperty("pid").GetInt32());
            await Task.Delay(TimeSpan.FromSeconds(40), TimeProvider.System, CancellationToken.None);
            var cpu = daemon.TotalProcessorTime;
            await Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System, CancellationToken.None);
            daemon.Refresh();
            var used = (daemon.TotalProcessorTime - cpu).TotalSeconds / 20 * 100;
            Console.WriteLine(Machine.Description);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"idle daemon, 60 s after up: {PssMegabytes(daemon.Id):0} MB PSS, {used:0.00} % of a core"));
            return 0;
        }
        finally
        {
            await Knet.RunAsync(Knet.Program, ["down", "--purge"], environment: environment);
        }
    }

    /// <summary>Proportional set size of a process.</summary>
    public static double PssMegabytes(int pid) =>
        File.ReadLines($"/proc/{pid}/smaps_rollup").Where(l => l.StartsWith("Pss:", StringComparison.Ordinal))
            .Select(l => double.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024).First();
}
