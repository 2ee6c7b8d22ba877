using CsCheck;
using Knet.Oci.Tar;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class TarTests
{
    private static readonly Gen<string> Names =
        Gen.String[Gen.Char["abc/ .é\u00FF"], 1, 300].Where(n => !n.EndsWith('/') && n[0] != '/');

    private static readonly Gen<(TarEntry Entry, byte[] Content)> Entries =
        from name in Names
        from kind in Gen.Enum<TarKind>()
        from link in Names
        from mode in Gen.UInt[0, 0xFFF]
        from uid in Gen.UInt[0, uint.MaxValue - 1]
        from seconds in Gen.Long[-10_000_000_000, 100_000_000_000]
        from nanoseconds in Gen.Int[0, 999_999_999]
        from content in Gen.Byte.Array[0, 2000]
        from attribute in Gen.Byte.Array[0, 50]
        from minor in Gen.UInt[0, 1000]
        select (new TarEntry
        {
            Name = name,
            Kind = kind,
            Mode = mode,
            Uid = uid,
            Gid = uid / 2,
            ModifiedSeconds = seconds,
            ModifiedNanoseconds = nanoseconds,
            Size = kind == TarKind.File ? content.Length : 0,
            LinkName = kind is TarKind.HardLink or TarKind.SymbolicLink ? link : "",
            DeviceMajor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? 7u : 0,
            DeviceMinor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? minor : 0,
            Attributes = attribute.Length > 0 ? new Dictionary<string, byte[]> { ["user.x"] = attribute } : null,
        }, content);

    [Fact]
    public void WhatIsWritten_IsRead() => Entries.List[0, 8].Sample(
        entries =>
        {
            var reader = new TarReader(new MemoryStream(Written(entries)));
            foreach (var (entry, content) in entries)
            {
                var read = reader.Next()!;
                Assert.Equal(entry with { Attributes = null }, read with { Attributes = null });
                Assert.Equal(entry.Attributes?["user.x"], read.Attributes?["user.x"]);
                if (entry.Kind == TarKind.File)
                {
                    Assert.Equal(content, Content(reader));
                }
            }

            Assert.Null(reader.Next());
        },
        iter: 300);

    // ASCII, no attributes and small ids: the framework reads pax values as text and ids as int, which is why we have a reader of our own.
    [Fact]
    public void OurTar_IsReadByTheFramework() => Entries.Select(e => (Entry: Tame(e.Entry), e.Content)).List[1, 4].Sample(
        entries =>
        {
            using var reader = new System.Formats.Tar.TarReader(new MemoryStream(Written(entries)));
            foreach (var (entry, _) in entries)
            {
                var read = reader.GetNextEntry(copyData: true)!;
                Assert.Equal(entry.Name, read.Name);
                Assert.Equal(entry.Size, read.Length);
                Assert.Equal(entry.LinkName, read.LinkName);
            }
        },
        iter: 100);

    [Theory]
    [InlineData(System.Formats.Tar.TarEntryFormat.Ustar, 90)]
    [InlineData(System.Formats.Tar.TarEntryFormat.Pax, 300)]
    [InlineData(System.Formats.Tar.TarEntryFormat.Gnu, 300)]
    [InlineData(System.Formats.Tar.TarEntryFormat.V7, 90)]
    public void TheFrameworksTar_IsReadByUs(System.Formats.Tar.TarEntryFormat format, int nameLength)
    {
        var name = new string('n', nameLength);
        using var stream = new MemoryStream();
        using (var writer = new System.Formats.Tar.TarWriter(stream, format, leaveOpen: true))
        {
            var isV7 = format == System.Formats.Tar.TarEntryFormat.V7;
            var type = isV7 ? System.Formats.Tar.TarEntryType.V7RegularFile : System.Formats.Tar.TarEntryType.RegularFile;
            System.Formats.Tar.TarEntry entry = format switch
            {
                System.Formats.Tar.TarEntryFormat.Ustar => new System.Formats.Tar.UstarTarEntry(type, name),
                System.Formats.Tar.TarEntryFormat.Pax => new System.Formats.Tar.PaxTarEntry(type, name),
                System.Formats.Tar.TarEntryFormat.Gnu => new System.Formats.Tar.GnuTarEntry(type, name),
                _ => new System.Formats.Tar.V7TarEntry(type, name),
            };
            entry.DataStream = new MemoryStream("hello"u8.ToArray());
            writer.WriteEntry(entry);
        }

        stream.Position = 0;
        var reader = new TarReader(stream);
        Assert.Equal(name, reader.Next()!.Name);
        Assert.Equal("hello"u8.ToArray(), Content(reader));
        Assert.Null(reader.Next());
    }

    [Fact]
    public void BrokenTar_IsRefusedOrRead_ButNothingElseHappens()
    {
        var mutations =
            from entries in Entries.List[1, 3]
            from changes in (from at in Gen.Int[0, 100_000] from value in Gen.Byte select (at, value)).Array[0, 20]
            from length in Gen.Int[0, 100_000]
            select (entries, changes, length);
        mutations.Sample(
            m =>
            {
                var bytes = Written(m.entries);
                foreach (var (at, value) in m.changes)
                {
                    bytes[at % bytes.Length] = value;
                }

                var reader = new TarReader(new MemoryStream(bytes, 0, 1 + (m.length % bytes.Length)));
                try
                {
                    while (reader.Next() is not null)
                    {
                        Content(reader);
                    }
                }
                catch (TarException)
                {
                    // what broken input is for
                }
            },
            iter: 1000);
    }

    [Fact]
    public void CutOffArchive_IsRefused()
    {
        var bytes = Written([(new TarEntry { Name = "f", Kind = TarKind.File, Size = 1000 }, new byte[1000])]);
        var reader = new TarReader(new MemoryStream(bytes, 0, 900));
        reader.Next();
        Assert.Contains("cut off", Assert.Throws<TarException>(() => Content(reader)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BinaryAttribute_IsKeptByteForByte()
    {
        byte[] capability = [1, 0, 0, 2, 0x80, 0, 0xFF, 0, 10, 61];
        var entry = new TarEntry
        {
            Name = "f",
            Kind = TarKind.File,
            Attributes = new Dictionary<string, byte[]> { ["security.capability"] = capability },
        };
        Assert.Equal(capability, new TarReader(new MemoryStream(Written([(entry, [])]))).Next()!.Attributes!["security.capability"]);
    }

    internal static byte[] Written(IEnumerable<(TarEntry Entry, byte[] Content)> entries)
    {
        var stream = new MemoryStream();
        var writer = new TarWriter(stream);
        foreach (var (entry, content) in entries)
        {
            writer.Write(entry, new MemoryStream(content));
        }

        writer.Finish();
        return stream.ToArray();
    }

    private static TarEntry Tame(TarEntry entry) => entry with
    {
        Name = string.Concat(entry.Name.Select(c => char.IsAscii(c) ? c : 'x')),
        LinkName = string.Concat(entry.LinkName.Select(c => char.IsAscii(c) ? c : 'x')),
        Uid = entry.Uid >> 1,
        Attributes = null,
    };

    private static byte[] Content(TarReader reader)
    {
        var content = new MemoryStream();
        var buffer = new byte[700];
        while (reader.Read(buffer) is > 0 and var count)
        {
            content.Write(buffer, 0, count);
        }

        return content.ToArray();
    }
}
