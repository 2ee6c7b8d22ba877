using System.Text;
using Knet.Node.Logs;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Node.Logs;

public sealed class LogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("knet-logs-").FullName;

    private string Path_ => Path.Combine(_directory, "0.log");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Lines_AreJoinedFromTheirParts()
    {
        Assert.True(LogLine.TryParse("2026-01-01T00:00:00.5+00:00 stderr P part"u8.ToArray(), out var part));
        Assert.Equal(("stderr", "part"), (part.Stream, Encoding.UTF8.GetString(part.Content.Span)));
        Assert.True(LogLine.TryParse("2026-01-01T00:00:00.5+00:00 stdout F "u8.ToArray(), out var empty));
        Assert.Equal("\n", Encoding.UTF8.GetString(empty.Content.Span));
        Assert.False(LogLine.TryParse("garbage"u8.ToArray(), out _));
    }

    [Theory]
    [InlineData(null, "one\ntwo\nthree\n")]
    [InlineData(0L, "")]
    [InlineData(1L, "three\n")]
    [InlineData(2L, "two\nthree\n")]
    [InlineData(9L, "one\ntwo\nthree\n")]
    public async Task Tail_CountsOverRotatedFiles(long? tail, string expected)
    {
        Write(Path_ + ".20260101-000000-000", "one", "two");
        Write(Path_, "three");
        Assert.Equal(expected, await ReadAsync(new LogQuery { TailLines = tail }));
    }

    [Fact]
    public async Task SinceLimitAndTimes_AreHonoured()
    {
        Write(Path_, "one", "two", "three");
        Assert.Equal("two\nthree\n", await ReadAsync(new LogQuery { Since = new DateTimeOffset(2026, 1, 1, 0, 0, 1, TimeSpan.Zero) }));
        Assert.Equal("one\ntw", await ReadAsync(new LogQuery { LimitBytes = 6 }));
        Assert.StartsWith("2026-01-01T00:00:00.000000000Z one\n", await ReadAsync(new LogQuery { Timestamps = true }));
    }

    [Fact]
    public void LongLogs_AreCutIntoLines()
    {
        Write(Path_, [.. Enumerable.Range(0, 5000).Select(i => $"line {i} {new string('x', i % 100)}")]);
        var tail = new LogReader(Path_).Tail(3000);
        Assert.Equal(3000, tail.Count);
        Assert.StartsWith("line 2000 ", Encoding.UTF8.GetString(tail[0].Content.Span));
    }

    [Fact]
    public void Rotation_KeepsTheNewestFiles()
    {
        for (var i = 0; i < 5; i++)
        {
            Write(Path_, $"run {i}");
            Assert.True(LogFiles.Rotate(Path_, 10, 3, new DateTimeOffset(2026, 1, 1, 0, 0, i, TimeSpan.Zero)));
        }

        Write(Path_, "now");
        Assert.False(LogFiles.Rotate(Path_, 1 << 20, 3, default));
        Assert.Equal("run 3\nrun 4\nnow\n", string.Concat(new LogReader(Path_).Tail(10).Select(l => Encoding.UTF8.GetString(l.Content.Span))));
    }

    [Fact]
    public void LastWords_ComeFromTheFileOrOnFailureFromTheLog()
    {
        var message = Path.Combine(_directory, "message");
        File.WriteAllText(message, "");
        Write(Path_, "boom");
        Assert.Equal("boom\n", TerminationMessage.Read(message, Path_, "FallbackToLogsOnError", 1));
        Assert.Null(TerminationMessage.Read(message, Path_, "FallbackToLogsOnError", 0));
        Assert.Null(TerminationMessage.Read(message, Path_, "File", 1));
        File.WriteAllText(message, "said");
        Assert.Equal("said", TerminationMessage.Read(message, Path_, "FallbackToLogsOnError", 1));
    }

    private async Task<string> ReadAsync(LogQuery query)
    {
        var output = new MemoryStream();
        await new LogReader(Path_).CopyAsync(output, query, () => true, new FakeTimeProvider(), TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static void Write(string file, params string[] lines) =>
        File.WriteAllLines(file, lines.Select((l, i) => $"2026-01-01T00:{i / 60 % 60:00}:{i % 60:00}.000000000+00:00 stdout F {l}"));
}
