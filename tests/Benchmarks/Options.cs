using System.Globalization;

namespace Knet.Tests.Benchmarks;

/// <summary>What can be set on the command line.</summary>
internal sealed record Options(int Services = 50, int Rounds = 6, string Image = "dev.local/static:v1")
{
    public static Options Parse(IReadOnlyList<string> arguments)
    {
        var options = new Options();
        for (var i = 0; i + 1 < arguments.Count; i += 2)
        {
            options = arguments[i] switch
            {
                "--services" => options with { Services = int.Parse(arguments[i + 1], CultureInfo.InvariantCulture) },
                "--rounds" => options with { Rounds = int.Parse(arguments[i + 1], CultureInfo.InvariantCulture) },
                "--image" => options with { Image = arguments[i + 1] },
                var unknown => throw new ArgumentException($"unknown option {unknown}"),
            };
        }

        return options;
    }
}
