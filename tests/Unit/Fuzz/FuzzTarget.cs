using System.Text;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>A parser of something that comes from outside.</summary>
/// <param name="Name">As given to <c>./do fuzz</c>.</param>
/// <param name="Words">Pieces of its grammar: inputs are made of them, in any order.</param>
/// <param name="Parse">Takes an input or refuses it.</param>
/// <param name="IsDocumented">Whether this is how it says that it refuses. Anything else is a crash.</param>
internal sealed record FuzzTarget(string Name, byte[][] Words, Action<byte[]> Parse, Func<Exception, bool> IsDocumented)
{
    /// <summary>Whole inputs to begin with.</summary>
    public byte[][] Seeds { get; init; } = [];

    /// <summary>How many inputs the unit suite tries.</summary>
    public int Smoke { get; init; } = 200;

    /// <summary>Of text. Input that is no UTF-8 arrives with replacement characters, as the callers decode it.</summary>
    public static FuzzTarget Text(string name, string[] words, Action<string> parse, Func<Exception, bool> isDocumented, params string[] seeds) =>
        new(name, [.. words.Select(Encoding.UTF8.GetBytes)], bytes => parse(Encoding.UTF8.GetString(bytes)), isDocumented)
        {
            Seeds = [.. seeds.Select(Encoding.UTF8.GetBytes)],
        };

    /// <summary>Nothing is thrown, whatever comes.</summary>
    public static bool Nothing(Exception _) => false;

    public override string ToString() => Name;
}
