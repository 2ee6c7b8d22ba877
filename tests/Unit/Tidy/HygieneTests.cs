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

    [Fact]
    public void Catches_HideNothing()
    {
        var found = Source.CSharp("src", "tests").Where(f => !f.Path.Contains("Tidy", StringComparison.Ordinal)).SelectMany(f =>
        {
            var text = string.Join('\n', f.Lines);
            return EmptyCatch().Matches(text).Concat(BareCatch().Matches(text).Where(m => !m.Value.Contains("throw", StringComparison.Ordinal)))
                .Select(m => $"{f.Path}:{text[..m.Index].Count(c => c == '\n') + 1}");
        });
        Assert.Empty(found);
    }

    [Fact]
    public void LogEvents_HaveNumbersOfTheirOwn()
    {
        var shared = Source.CSharp("src").SelectMany(f => f.Lines.Select(line => (f.Path, Match: LogEvent().Match(line))))
            .Where(l => l.Match.Success)
            .GroupBy(l => l.Match.Groups[1].Value)
            .Where(g => g.Count() > 1)
            .Select(g => $"{g.Key}: {string.Join(", ", g.Select(l => l.Path))}");
        Assert.Empty(shared);
    }

    [Fact]
    public void ControlLoops_StartNoTasks()
    {
        var found = Source.CSharp("src/Kube/Controllers", "src/Kube/WorkQueue", "src/Serving", "src/Eventing", "src/ApiServer/Workloads")
            .Where(f => f.Lines.Any(line => line.Contains("Task.Run(", StringComparison.Ordinal)))
            .Select(f => f.Path);
        Assert.Empty(found);
    }

    [Fact]
    public void UnitTests_OpenNoSocketAndNeverSleep()
    {
        var found = Source.CSharp("tests/Unit").Where(f => !f.Path.Contains("Tidy", StringComparison.Ordinal))
            .Where(f => f.Lines.Any(line => SocketOrSleep().IsMatch(line)))
            .Select(f => f.Path);
        Assert.Empty(found);
    }

    [Fact]
    public void Namespaces_FollowFolders()
    {
        var wrong = Source.CSharp("src", "tests").SelectMany(f =>
        {
            var folder = Path.GetDirectoryName(f.Path)!.Replace('/', '.');
            var expected = folder.StartsWith("src.", StringComparison.Ordinal) ? "Knet." + folder[4..] : "Knet.Tests." + folder[6..];
            return f.Lines.Where(line => line.StartsWith("namespace ", StringComparison.Ordinal) && line != $"namespace {expected};")
                .Select(line => $"{f.Path}: {line}");
        });
        Assert.Empty(wrong);
    }

    [Fact]
    public void Names_SayWhatThingsAre()
    {
        var found = Source.CSharp("src", "tests")
            .SelectMany(f => f.Lines.Where(line => EmptyName().IsMatch(line)).Select(line => $"{f.Path}: {line.Trim()}"));
        Assert.Empty(found);
    }

    [Fact]
    public void Projects_HaveReadmes()
    {
        var missing = Directory.EnumerateDirectories(Path.Combine(Source.Root, "src"))
            .Where(folder => Directory.EnumerateFiles(folder, "*.csproj").Any() && !File.Exists(Path.Combine(folder, "README.md")))
            .Select(folder => Path.GetRelativePath(Source.Root, folder));
        Assert.Empty(missing);
    }

    [GeneratedRegex(@"catch[^{};]*\{\s*\}")]
    private static partial Regex EmptyCatch();

    [GeneratedRegex(@"catch\s*\{.*?\n\s*\}", RegexOptions.Singleline)]
    private static partial Regex BareCatch();

    [GeneratedRegex(@"LoggerMessage\((?:EventId = )?(\d+),")]
    private static partial Regex LogEvent();

    [GeneratedRegex(@"new (Socket|TcpListener|TcpClient|UdpClient|HttpListener)\(|Task\.Delay\(|Thread\.Sleep\(")]
    private static partial Regex SocketOrSleep();

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum) \w+(?:Manager|Helpers?|Utils?|Base|Impl)\b")]
    private static partial Regex EmptyName();

    [GeneratedRegex(@"NotImplementedException|//\s*(TODO|FIXME|HACK)|Skip\s*=\s*""|catch\s*(\(Exception[^)]*\))?\s*\{\s*\}")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"<(?:Global)?Package(?:Version|Reference) Include=""([^""]+)""")]
    private static partial Regex Package();
}
