using System.Text;
using Knet.Oci.Tar;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>Archives to begin with. A change breaks the checksum of a header: it is put right before the archive is read.</summary>
internal static class Tar
{
    public static byte[][] Words { get; } =
    [
        .. ApiTargets.Words("../", "/", "a/b", ".wh.", ".wh..wh..opq", "0000644\0", "7777777\0", "L", "K", "x", "g", "S", "1", "2", "3", "5",
            "ustar\0", "\0", "27 path=../../a\n",
            "9 size=-1\n", "30 GNU.sparse.major=1\n", "12 linkpath=/"),
        [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], new byte[512],
    ];

    public static byte[][] Seeds { get; } =
    [
        [.. Entry("a", '5', ""), .. Entry("a/b", '0', "text"), .. Entry("a/.wh.c", '0', ""), .. new byte[1024]],
        [.. Entry("l", '2', "", "../.."), .. Entry("l/x", '0', "y"), .. Entry("h", '1', "", "l/x")],
        [.. Entry("PaxHeaders/x", 'x', "19 path=long/name/\n12 size=000\n"), .. Entry("x", '0', "z")],
        [.. Entry("././@LongLink", 'L', "very/long\0"), .. Entry("x", '0', ""), .. Entry("d", '3', ""), .. Entry("a/.wh..wh..opq", '0', "")],
    ];

    public static void Read(byte[] archive)
    {
        var reader = new TarReader(new MemoryStream(Checked(archive)));
        var buffer = new byte[100];
        while (reader.Next() is not null)
        {
            while (reader.Read(buffer) > 0)
            {
            }
        }
    }

    public static byte[] Checked(byte[] archive)
    {
        for (var at = 0; at + 512 <= archive.Length; at += 512)
        {
            var header = archive.AsSpan(at, 512);
            if (header[257..262].SequenceEqual("ustar"u8))
            {
                header.Slice(148, 8).Fill((byte)' ');
                var sum = 0;
                foreach (var value in header)
                {
                    sum += value;
                }

                Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
            }
        }

        return archive;
    }

    private static byte[] Entry(string name, char type, string content, string link = "")
    {
        var header = new byte[512];
        Encoding.ASCII.GetBytes(name).CopyTo(header, 0);
        "0000644\0"u8.CopyTo(header.AsSpan(100));
        "0000000\0"u8.CopyTo(header.AsSpan(108));
        "0000000\0"u8.CopyTo(header.AsSpan(116));
        Encoding.ASCII.GetBytes(Convert.ToString(content.Length, 8).PadLeft(11, '0') + "\0").CopyTo(header, 124);
        "00000000000\0"u8.CopyTo(header.AsSpan(136));
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes(link).CopyTo(header, 157);
        "ustar\000"u8.CopyTo(header.AsSpan(257));
        var padded = new byte[(content.Length + 511) / 512 * 512];
        Encoding.ASCII.GetBytes(content).CopyTo(padded, 0);
        return [.. Checked(header), .. padded];
    }
}
