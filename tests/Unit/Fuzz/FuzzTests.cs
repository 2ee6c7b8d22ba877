using System.Globalization;
using Xunit;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>
/// Whatever comes from outside, a parser takes it or refuses it with the exception that it documents, in a time and a memory that fit its
/// size. A smoke run; <c>./do fuzz</c> runs each target longer (<c>KNET_FUZZ_SECONDS</c>, <c>KNET_FUZZ_TARGET</c>, <c>KNET_FUZZ_SEED</c>).
/// </summary>
public sealed class FuzzTests
{
    private static readonly string? Chosen = Environment.GetEnvironmentVariable("KNET_FUZZ_TARGET");

    private static IEnumerable<FuzzTarget> All =>
        [.. ApiTargets.All, .. SchemaTargets.All, .. ImageTargets.All, .. NodeTargets.All, .. ServingTargets.All, .. StreamTargets.All,
            .. EventTargets.All];

    /// <summary>Names of the targets to run.</summary>
    public static TheoryData<string> Targets => string.IsNullOrEmpty(Chosen)
        ? [.. All.Select(t => t.Name).Order()]
        : [.. All.Select(t => t.Name).Where(n => n == Chosen).DefaultIfEmpty($"no such target: {Chosen}; there are "
            + string.Join(", ", All.Select(t => t.Name).Order()))];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Input_IsTakenOrRefusedAsDocumented(string name)
    {
        var target = All.FirstOrDefault(t => t.Name == name);
        Assert.True(target is not null, name);
        var seconds = Number("KNET_FUZZ_SECONDS");
        var fuzzer = new Fuzzer(target, Number("KNET_FUZZ_SEED") ?? (seconds is null ? 1 : Random.Shared.Next(1_000_000)));
        fuzzer.Run(
            seconds is { } given ? TimeSpan.FromSeconds(given) : null,
            seconds is null ? null : Path.Combine(Path.GetTempPath(), $"knet-fuzz-{name}"));
        if (seconds is not null)
        {
            Console.WriteLine($"{name}: {fuzzer.Tried} inputs, {fuzzer.Answers} different answers");
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
