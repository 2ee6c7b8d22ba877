using System.Text.RegularExpressions;
using Xunit;

namespace Knet.Tests.Unit.Tidy;

/// <summary>The size budget of CONTRIBUTING.md: what is longer is hard to read, or two things.</summary>
public sealed partial class SizeTests
{
    [Fact]
    public void Files_AreShort()
    {
        var long_ = Source.CSharp("src", "tests")
            .Where(f => f.Lines.Length > (f.Path.StartsWith("tests", StringComparison.Ordinal) ? 500 : 400) && !Source.IsExcepted("file", f.Path))
            .Select(f => $"{f.Path}: {f.Lines.Length} lines");
        Assert.Empty(long_);
    }

    [Fact]
    public void Lines_AreShort()
    {
        var long_ = Source.CSharp("src", "tests").Where(f => !Source.IsExcepted("line", f.Path))
            .SelectMany(f => f.Lines.Select((line, i) => (f.Path, i, line)))
            .Where(l => l.line.Length > 150)
            .Select(l => $"{l.Path}:{l.i + 1}: {l.line.Length} characters");
        Assert.Empty(long_);
    }

    [Fact]
    public void Methods_AreShort()
    {
        var long_ = Source.CSharp("src").Where(f => !Source.IsExcepted("method", f.Path))
            .SelectMany(f => Methods(f.Lines).Where(m => m.Length > 60 + 2).Select(m => $"{f.Path}:{m.Line + 1}: {m.Length} lines"));
        Assert.Empty(long_);
    }

    /// <summary>Blocks opened at member depth (four or eight spaces) by a line that ends a parameter list.</summary>
    private static IEnumerable<(int Line, int Length)> Methods(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            if (lines[i].Trim() != "{" || indent is not (4 or 8) || !lines[i - 1].TrimEnd().EndsWith(')')
                || NoMethod().IsMatch(lines[i - 1]))
            {
                continue;
            }

            var end = Array.IndexOf(lines, new string(' ', indent) + "}", i);
            if (end > i)
            {
                yield return (i, end - i + 1);
            }
        }
    }

    // A type with a primary constructor ends in a parameter list too, and so does what an initialiser follows.
    [GeneratedRegex(@"\b(class|struct|record) \w|=>? *new\b")]
    private static partial Regex NoMethod();
}
