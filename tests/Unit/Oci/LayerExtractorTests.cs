using System.Text;
using Knet.Oci.Layers;
using Knet.Oci.Tar;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class LayerExtractorTests : IDisposable
{
    private readonly TempDirectory _temporary = new();
    private readonly string _root;

    public LayerExtractorTests()
    {
        _root = _temporary["layer"];
        Directory.CreateDirectory(_root);
    }

    [Fact]
    public void Entries_KeepModeTimeAndLinks()
    {
        Extract(
            (Dir("d/").Entry with { Mode = 0x1C0, ModifiedSeconds = 1000 }, []),
            (File("d/f", "hello").Entry with { Mode = 0x9ED, ModifiedSeconds = 2000, ModifiedNanoseconds = 5 }, "hello"u8.ToArray()),
            Link("d/s", "/somewhere/else"),
            Hard("h", "d/f"));
        Assert.Equal("hello", System.IO.File.ReadAllText(At("h")));
        Assert.Equal("/somewhere/else", new FileInfo(At("d/s")).LinkTarget);
        Assert.Equal((UnixFileMode)0x9ED, System.IO.File.GetUnixFileMode(At("d/f")));
        Assert.Equal((UnixFileMode)0x1C0, System.IO.File.GetUnixFileMode(At("d")));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1000), Directory.GetLastWriteTimeUtc(At("d")));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(2000), System.IO.File.GetLastWriteTimeUtc(At("d/f")));
        Assert.Equal(2ul, Libc.Status(At("d/f"))!.Links);
    }

    [Fact]
    public void Whiteout_BecomesADeviceThatOverlayfsTakesForARemoval()
    {
        Extract(Dir("d/"), File("d/.wh.gone", ""));
        var status = Libc.Status(At("d/gone"))!;
        Assert.Equal((Libc.CharacterDevice, 0ul), (status.Type, status.SpecialDevice));
        Assert.False(Path.Exists(At("d/.wh.gone")));
    }

    [Fact]
    public void OpaqueWhiteout_MarksTheDirectory()
    {
        Extract(Dir("d/"), File("d/.wh..wh..opq", ""), File("d/new", "x"));
        Assert.True(IsOpaque("d"));
        Assert.Equal(["new"], Directory.GetFileSystemEntries(At("d")).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhiteoutAndDirectoryOfOneName_HideOnlyWhatLiesBelow(bool whiteoutFirst)
    {
        var whiteout = File(".wh.d", "");
        (TarEntry, byte[])[] directory = [Dir("d/"), File("d/f", "x")];
        Extract(whiteoutFirst ? [whiteout, .. directory] : [.. directory, whiteout]);
        Assert.True(IsOpaque("d"));
        Assert.Equal("x", System.IO.File.ReadAllText(At("d/f")));
    }

    [Fact]
    public void LaterEntry_ReplacesEarlierOne()
    {
        Extract(
            File("a", "1"), File("a", "2"), Dir("b/"), File("b/c", "x"), File("b", "file"), File("s", "1"), Link("s", "a"), File("s", "3"));
        Assert.Equal("2", System.IO.File.ReadAllText(At("a")));
        Assert.Equal("file", System.IO.File.ReadAllText(At("b")));
        Assert.Equal("3", System.IO.File.ReadAllText(At("s")));
        Assert.Null(new FileInfo(At("s")).LinkTarget);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("a/../../evil")]
    [InlineData("/../evil")]
    [InlineData("..")]
    public void NameThatLeavesTheLayer_IsRefused(string name)
    {
        var e = Assert.Throws<TarException>(() => Extract(File(name, "x")));
        Assert.Contains("must stay within the layer", e.Message, StringComparison.Ordinal);
        AssertNothingOutside();
    }

    [Fact]
    public void HardLinkToTheOutside_IsRefused()
    {
        System.IO.File.WriteAllText(_temporary["secret"], "s");
        Assert.Throws<TarException>(() => Extract(Hard("h", "../secret")));
        Assert.Throws<TarException>(() => Extract(Hard("h", _temporary["secret"])));
        Assert.Throws<TarException>(() => Extract(Link("l", _temporary.Path), Hard("h", "l/secret")));
    }

    [Fact]
    public void SymbolicLinksInTheWay_AreFollowedWithinTheLayer()
    {
        var outside = _temporary["outside"];
        Directory.CreateDirectory(outside);
        Extract(Link("abs", outside), Link("rel", "../../../../../../.."), Link("chain", "abs"),
            File("abs/evil", "x"), File("rel/evil2", "x"), File("chain/evil3", "x"), Link("abs/up", ".."), File("abs/up/evil4", "x"));
        AssertNothingOutside();
        Assert.Empty(Directory.GetFileSystemEntries(outside));
        Assert.Equal("x", System.IO.File.ReadAllText(At(outside.TrimStart('/') + "/evil3")));
        Assert.Equal("x", System.IO.File.ReadAllText(At("evil2")));
    }

    [Fact]
    public void FileOverASymbolicLink_ReplacesTheLink()
    {
        System.IO.File.WriteAllText(_temporary["victim"], "untouched");
        Extract(Link("f", _temporary["victim"]), File("f", "x"));
        Assert.Equal("untouched", System.IO.File.ReadAllText(_temporary["victim"]));
        Assert.Equal("x", System.IO.File.ReadAllText(At("f")));
    }

    [Fact]
    public void SymbolicLinksInACircle_AreRefused() =>
        Assert.Contains(
            "symbolic links",
            Assert.Throws<TarException>(() => Extract(Link("a", "b"), Link("b", "a"), File("a/f", "x"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(".wh.")]
    [InlineData(".wh...")]
    [InlineData("d/.wh..")]
    public void WhiteoutOfNothing_IsRefused(string name) =>
        Assert.Contains(
            "names nothing", Assert.Throws<TarException>(() => Extract(Dir("d/"), File(name, ""))).Message, StringComparison.Ordinal);

    [Fact]
    public void OverlayfsOwnAttributes_AreNotTakenFromTheLayer()
    {
        var attributes = new Dictionary<string, byte[]>
        {
            ["trusted.overlay.redirect"] = "/x"u8.ToArray(),
            ["user.overlay.opaque"] = "y"u8.ToArray(),
        };
        var (entry, content) = Dir("d/");
        Extract((entry with { Attributes = attributes }, content));
        Assert.DoesNotContain(Libc.AttributeNames(At("d")), n => n.Contains("overlay", StringComparison.Ordinal));
    }

    [Fact]
    public void NameThatIsNotUtf8_ComesOutAsItWentIn()
    {
        Extract(File("n\u00FF\u00FE", "x"));
        Assert.Equal(1, Libc.Status(ByteStrings.FromText(_root) + "/n\u00FF\u00FE")!.Size);
    }

    [Fact]
    public void TooMuch_IsRefused()
    {
        var options = new LayerOptions { UnpackedBytesMax = 10, EntriesMax = 3 };
        Assert.Contains("more than 10 bytes", Refusal(options, File("a", "123456"), File("b", "123456")), StringComparison.Ordinal);
        Assert.Contains(
            "more than 3 entries", Refusal(options, File("a", ""), File("b", ""), File("c", ""), File("d", "")), StringComparison.Ordinal);
    }

    public void Dispose() => _temporary.Dispose();

    private static (TarEntry Entry, byte[] Content) File(string name, string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        return (new TarEntry { Name = name, Kind = TarKind.File, Mode = 0x1A4, Size = bytes.Length }, bytes);
    }

    private static (TarEntry Entry, byte[] Content) Dir(string name) =>
        (new TarEntry { Name = name, Kind = TarKind.Directory, Mode = 0x1ED }, []);

    private static (TarEntry Entry, byte[] Content) Link(string name, string target) =>
        (new TarEntry { Name = name, Kind = TarKind.SymbolicLink, LinkName = target }, []);

    private static (TarEntry Entry, byte[] Content) Hard(string name, string target) =>
        (new TarEntry { Name = name, Kind = TarKind.HardLink, LinkName = target }, []);

    private string At(string path) => Path.Combine(_root, path);

    private bool IsOpaque(string path) =>
        (Libc.Attribute(At(path), "trusted.overlay.opaque") ?? Libc.Attribute(At(path), "user.overlay.opaque")) is [(byte)'y'];

    private void AssertNothingOutside() =>
        Assert.DoesNotContain(
            Directory.GetFileSystemEntries(_temporary.Path), e => Path.GetFileName(e).StartsWith("evil", StringComparison.Ordinal));

    private string Refusal(LayerOptions options, params (TarEntry Entry, byte[] Content)[] entries) =>
        Assert.Throws<TarException>(() => Extract(options, entries)).Message;

    private void Extract(params (TarEntry Entry, byte[] Content)[] entries) => Extract(new LayerOptions(), entries);

    private void Extract(LayerOptions options, params (TarEntry Entry, byte[] Content)[] entries) =>
        new LayerExtractor(_root, options).Extract(new MemoryStream(TarTests.Written(entries)), default);
}
