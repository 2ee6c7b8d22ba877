using System.Globalization;

namespace Knet.Tests.Benchmarks;

/// <summary>What can be set on the command line.</summary>
/// <param name="Up">
/// Further arguments of every <c>knet up</c>, from <c>$KNET_BENCH_UP</c>: other ports and ranges when a second platform runs on the machine.
/// </param>
internal sealed record Options(
    int Services = 50, int Rounds = 6, int Seconds = 10, string Image = "dev.local/static:v1",
    int Objects = 10_000, int Watches = 2_000, params string[] Up)
{
    /// <summary>All that <c>--services</c> named, in ascending order.</summary>
    public int[] Steps { get; init; } = [100, 1_000, 10_000];

    public static Options Parse(IReadOnlyList<string> arguments)
    {
        var up = Environment.GetEnvironmentVariable("KNET_BENCH_UP") ?? "";
        var options = new Options(Up: up.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        for (var i = 0; i < arguments.Count; i += 2)
        {
            var value = i + 1 < arguments.Count ? arguments[i + 1] : throw new ArgumentException($"{arguments[i]} needs a value");
            options = arguments[i] switch
            {
                "--services" => options with { Steps = Numbers(value), Services = Numbers(value)[^1] },
                "--rounds" => options with { Rounds = int.Parse(value, CultureInfo.InvariantCulture) },
                "--seconds" => options with { Seconds = int.Parse(value, CultureInfo.InvariantCulture) },
                "--objects" => options with { Objects = int.Parse(value, CultureInfo.InvariantCulture) },
                "--watches" => options with { Watches = int.Parse(value, CultureInfo.InvariantCulture) },
                "--image" => options with { Image = value },
                var unknown => throw new ArgumentException($"unknown option {unknown}"),
            };
        }

        return options;
    }

    private static int[] Numbers(string value) =>
        [.. value.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).Order()];
}
