using System.Text.RegularExpressions;
using Xunit;

namespace Knet.Tests.Unit.Tidy;

/// <summary>What must not stand in the source.</summary>
public sealed partial class HygieneTests
{
    [Fact]
    public void Source_HoldsNoUnfinishedWork()
    {
        var found = Source.CSharp("src", "tests").Where(f => !f.Path.Contains("Tidy", StringComparison.Ordinal))
            .SelectMany(f => f.Lines.Select((line, i) => (f.Path, i, line)))
            .Where(l => Unfinished().IsMatch(l.line))
            .Select(l => $"{l.Path}:{l.i + 1}: {l.line.Trim()}");
        Assert.Empty(found);
    }

    [Fact]
    public void DocumentLinks_LeadSomewhere()
    {
        var broken = Directory.EnumerateFiles(Source.Root, "*.md", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/artifacts/", StringComparison.Ordinal))
            .SelectMany(file => Link().Matches(File.ReadAllText(file))
                .Select(m => m.Groups[1].Value.Split('#')[0])
                .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
                .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, target)))
                .Select(target => $"{Path.GetRelativePath(Source.Root, file)}: {target}"));
        Assert.Empty(broken);
    }

    [Fact]
    public void Dependencies_AreListedWithTheirReason()
    {
        var listed = File.ReadAllText(Path.Combine(Source.Root, "docs/dependencies.md"));
        var packages = Package().Matches(File.ReadAllText(Path.Combine(Source.Root, "Directory.Packages.props"))).Select(m => m.Groups[1].Value);
        Assert.DoesNotContain(packages, p => !listed.Contains($"`{p}`", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"NotImplementedException|//\s*(TODO|FIXME|HACK)|Skip\s*=\s*""|catch\s*(\(Exception[^)]*\))?\s*\{\s*\}")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"<(?:Global)?Package(?:Version|Reference) Include=""([^""]+)""")]
    private static partial Regex Package();
}
