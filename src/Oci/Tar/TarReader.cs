using System.Buffers.Text;
using System.Text;

namespace Knet.Oci.Tar;

/// <summary>
/// Reads a tar archive from a stream that cannot seek: ustar, pax and GNU (long names, base-256 numbers), which is what image builders
/// write.
/// The framework's reader is not used because it turns pax values into text, which destroys binary attributes
/// (<c>security.capability</c>) and names that are not UTF-8.
/// </summary>
/// <remarks>Not thread-safe. The content of an entry is gone when the next one is asked for.</remarks>
public sealed class TarReader(Stream stream)
{
    private const int BlockSize = 512;

    // A pax header or long name larger than this is not from a builder; GNU tar and Go write a few kilobytes at most.
    private const int ExtensionBytesMax = 1024 * 1024;

    private readonly byte[] _block = new byte[BlockSize];
    private readonly Dictionary<string, byte[]> _global = [];
    private long _remaining;
    private int _padding;

    /// <summary>The next entry, or null at the end.</summary>
    /// <exception cref="TarException">It is not tar, or cut off.</exception>
    public TarEntry? Next()
    {
        var pax = new Dictionary<string, byte[]>(_global);
        string? longName = null;
        string? longLink = null;
        while (ReadHeader())
        {
            var type = (char)_block[156];
            var size = Number(124, 12, "size");
            switch (type)
            {
                case 'x':
                    ParsePax(ReadExtension(size), pax);
                    break;
                case 'g':
                    ParsePax(ReadExtension(size), _global);
                    foreach (var (key, value) in _global)
                    {
                        pax[key] = value;
                    }

                    break;
                case 'L':
                    longName = UntilNul(ReadExtension(size));
                    break;
                case 'K':
                    longLink = UntilNul(ReadExtension(size));
                    break;
                default:
                    return Entry(type, size, pax, longName, longLink);
            }
        }

        return null;
    }

    /// <summary>Reads content of the current entry; 0 at its end.</summary>
    /// <exception cref="TarException">The archive ends within the entry.</exception>
    public int Read(Span<byte> buffer)
    {
        if (_remaining == 0)
        {
            return 0;
        }

        var count = stream.Read(buffer[..(int)Math.Min(buffer.Length, _remaining)]);
        if (count == 0)
        {
            throw new TarException($"the archive is cut off: {_remaining} bytes of an entry are missing");
        }

        _remaining -= count;
        return count;
    }

    // Records of the form "LENGTH KEY=VALUE\n"; the length counts itself.
    private static void ParsePax(ReadOnlySpan<byte> records, Dictionary<string, byte[]> into)
    {
        while (!records.IsEmpty && records[0] != 0)
        {
            if (!Utf8Parser.TryParse(records, out int length, out var digits)
                || length <= digits + 1 || length > records.Length || records[digits] != ' ' || records[length - 1] != '\n')
            {
                throw new TarException("a pax header is malformed: a record's length does not fit");
            }

            var record = records[(digits + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals <= 0)
            {
                throw new TarException("a pax header is malformed: a record has no key");
            }

            into[Encoding.Latin1.GetString(record[..equals])] = record[(equals + 1)..].ToArray();
            records = records[length..];
        }
    }

    private static string UntilNul(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.Latin1.GetString(end < 0 ? bytes : bytes[..end]);
    }

    private static long Decimal(byte[] value, string key) =>
        Utf8Parser.TryParse(value, out long number, out var used) && used == value.Length && number >= 0
            ? number
            : throw new TarException($"a pax header is malformed: {key} is not a number");

    private bool ReadHeader()
    {
        Skip(_remaining + _padding);
        _remaining = 0;
        _padding = 0;
        var read = stream.ReadAtLeast(_block, BlockSize, throwOnEndOfStream: false);
        if (read == 0)
        {
            return false;   // no end marker: GNU tar and Go accept that as well
        }

        if (read < BlockSize)
        {
            throw new TarException("the archive is cut off within a header");
        }

        if (!_block.AsSpan().ContainsAnyExcept((byte)0))
        {
            return false;
        }

        var sum = 8 * ' ';
        for (var i = 0; i < BlockSize; i++)
        {
            sum += i is >= 148 and < 156 ? 0 : _block[i];
        }

        return Number(148, 8, "checksum") == sum ? true : throw new TarException("not a tar archive: a header's checksum is wrong");
    }

    private TarEntry Entry(char type, long headerSize, Dictionary<string, byte[]> pax, string? longName, string? longLink)
    {
        if (type == 'S' || pax.Keys.Any(k => k.StartsWith("GNU.sparse.", StringComparison.Ordinal)))
        {
            throw new TarException("an entry is a sparse file of GNU tar, which image layers must not use; pack it without --sparse");
        }

        var name = Text("path", pax) ?? longName ?? HeaderName();
        var size = pax.TryGetValue("size", out var paxSize) ? Decimal(paxSize, "size") : headerSize;
        var kind = Kind(type, name);
        var (seconds, nanoseconds) = Modified(pax);
        SetContent(kind == TarKind.File ? size : 0);    // other kinds have no content, whatever their size says (as GNU tar and Go read it)
        return new TarEntry
        {
            Name = name,
            Kind = kind,
            Mode = (uint)Number(100, 8, "mode") & 0xFFF,
            Uid = Id("uid", pax, 108),
            Gid = Id("gid", pax, 116),
            Size = kind == TarKind.File ? size : 0,
            ModifiedSeconds = seconds,
            ModifiedNanoseconds = nanoseconds,
            LinkName = Text("linkpath", pax) ?? longLink ?? UntilNul(_block.AsSpan(157, 100)),
            DeviceMajor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? (uint)Number(329, 8, "devmajor") : 0,
            DeviceMinor = kind is TarKind.CharacterDevice or TarKind.BlockDevice ? (uint)Number(337, 8, "devminor") : 0,
            Attributes = Attributes(pax),
        };
    }

    private static TarKind Kind(char type, string name) => type switch
    {
        '0' or '\0' or '7' => name.EndsWith('/') ? TarKind.Directory : TarKind.File,
        '1' => TarKind.HardLink,
        '2' => TarKind.SymbolicLink,
        '3' => TarKind.CharacterDevice,
        '4' => TarKind.BlockDevice,
        '5' => TarKind.Directory,
        '6' => TarKind.Fifo,
        _ => throw new TarException($"an entry has the type '{(char.IsAsciiLetterOrDigit(type) ? type : '?')}', which image layers do not have"),
    };

    private static Dictionary<string, byte[]>? Attributes(Dictionary<string, byte[]> pax)
    {
        const string Prefix = "SCHILY.xattr.";
        Dictionary<string, byte[]>? attributes = null;
        foreach (var (key, value) in pax)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal))
            {
                (attributes ??= [])[key[Prefix.Length..]] = value;
            }
        }

        return attributes;
    }

    private static string? Text(string key, Dictionary<string, byte[]> pax) =>
        pax.TryGetValue(key, out var value) && value.Length > 0 ? Encoding.Latin1.GetString(value) : null;

    private uint Id(string key, Dictionary<string, byte[]> pax, int offset)
    {
        var id = pax.TryGetValue(key, out var value) ? Decimal(value, key) : Number(offset, 8, key);
        return id <= uint.MaxValue - 1 ? (uint)id : throw new TarException($"{key} {id} is not one that Linux has");
    }

    // "1700000000.123456789", perhaps negative; the header has whole seconds only.
    private (long Seconds, int Nanoseconds) Modified(Dictionary<string, byte[]> pax)
    {
        if (!pax.TryGetValue("mtime", out var value))
        {
            return (Number(136, 12, "mtime"), 0);
        }

        var text = Encoding.Latin1.GetString(value);
        return decimal.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var time) && Math.Abs(time) < long.MaxValue / 2
            ? ((long)Math.Floor(time), (int)((time - Math.Floor(time)) * 1_000_000_000))
            : throw new TarException("a pax header is malformed: mtime is not a number");
    }

    private string HeaderName()
    {
        var name = UntilNul(_block.AsSpan(0, 100));
        var isPosix = _block.AsSpan(257, 6).SequenceEqual("ustar\0"u8);
        var prefix = isPosix ? UntilNul(_block.AsSpan(345, 155)) : "";
        return prefix.Length > 0 ? $"{prefix}/{name}" : name;
    }

    // Octal digits between spaces and NULs, or (GNU) big-endian binary when the first bit is set.
    private long Number(int offset, int length, string field)
    {
        var bytes = _block.AsSpan(offset, length);
        if ((bytes[0] & 0x80) != 0)
        {
            return Binary(bytes, field);
        }

        bytes = bytes.Trim(" \0"u8);
        var value = 0L;
        foreach (var b in bytes)
        {
            if (b is < (byte)'0' or > (byte)'7')
            {
                throw new TarException($"not a tar archive: a header's {field} is not an octal number");
            }

            value = (value << 3) | (uint)(b - '0');
        }

        return value;
    }

    private static long Binary(ReadOnlySpan<byte> bytes, string field)
    {
        var negative = (bytes[0] & 0x40) != 0;
        var value = negative ? -1L : 0L;
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = i > 0 ? bytes[i] : (byte)(negative ? bytes[i] | 0x80 : bytes[i] & 0x3F);
            if (value is > long.MaxValue >> 8 or < long.MinValue >> 8)
            {
                throw new TarException($"a header's {field} is too large");
            }

            value = (value << 8) | b;
        }

        return value >= 0 || field == "mtime" ? value : throw new TarException($"a header's {field} is negative");
    }

    private byte[] ReadExtension(long size)
    {
        if (size > ExtensionBytesMax)
        {
            throw new TarException($"an extended header has {size} bytes; the limit is {ExtensionBytesMax}");
        }

        SetContent(size);
        var bytes = new byte[size];
        for (var at = 0; at < bytes.Length;)
        {
            at += Read(bytes.AsSpan(at));
        }

        return bytes;
    }

    private void SetContent(long size)
    {
        _remaining = size;
        _padding = (int)((BlockSize - (size % BlockSize)) % BlockSize);
    }

    private void Skip(long count)
    {
        Span<byte> scratch = stackalloc byte[4096];
        while (count > 0)
        {
            var read = stream.Read(scratch[..(int)Math.Min(count, scratch.Length)]);
            if (read == 0)
            {
                throw new TarException("the archive is cut off within an entry");
            }

            count -= read;
        }
    }
}
