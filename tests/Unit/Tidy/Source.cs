using System.Runtime.CompilerServices;

namespace Knet.Tests.Unit.Tidy;

/// <summary>The repository's files, as the tidy tests read them.</summary>
internal static class Source
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file below the given folder, with its path relative to the root.</summary>
    public static IEnumerable<(string Path, string[] Lines)> CSharp(params string[] folders) =>
        folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Select(file => (Path.GetRelativePath(Root, file), File.ReadAllLines(file)));

    /// <summary>Exceptions.txt: <c>rule path reason</c>, a line each.</summary>
    public static bool IsExcepted(string rule, string path) => Exceptions.Value.Contains((rule, path));

    private static readonly Lazy<HashSet<(string, string)>> Exceptions = new(() =>
        [.. File.ReadLines(Path.Combine(Root, "tests/Unit/Tidy/Exceptions.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split(' ', 3))
            .Where(parts => parts.Length == 3 && parts[2].Length > 0)
            .Select(parts => (parts[0], parts[1]))]);

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Knet.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("no Knet.slnx above the tests");
    }
}
