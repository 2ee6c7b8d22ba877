using System.IO.Compression;
using Knet.Oci.Formats;

namespace Knet.Oci.Layers;

/// <summary>Unpacks a stream, and finds out how one is packed.</summary>
internal static class PackedStream
{
    /// <summary>How many first bytes <see cref="Sniff(ReadOnlySpan{byte})"/> wants.</summary>
    internal const int MagicBytes = 4;

    /// <summary>What the first bytes say: gzip, zstd, or null for neither.</summary>
    internal static LayerCompression? Sniff(ReadOnlySpan<byte> first) => first switch
    {
        [0x1F, 0x8B, ..] => LayerCompression.Gzip,
        [0x28, 0xB5, 0x2F, 0xFD, ..] => LayerCompression.Zstd,
        _ => null,
    };

    /// <summary>As above, for a stream that can seek; leaves it at its start.</summary>
    internal static LayerCompression? Sniff(Stream stream)
    {
        Span<byte> first = stackalloc byte[MagicBytes];
        var count = stream.ReadAtLeast(first, MagicBytes, throwOnEndOfStream: false);
        stream.Position = 0;
        return Sniff(first[..count]);
    }

    /// <summary>The unpacked bytes; closing it closes <paramref name="packed"/>.</summary>
    internal static Stream Unpack(Stream packed, LayerCompression compression) => compression switch
    {
        LayerCompression.Gzip => new GZipStream(packed, CompressionMode.Decompress),
        LayerCompression.Zstd => new ZstdStream(packed),
        _ => packed,
    };
}
