using System.Globalization;
using System.Text;

namespace Knet.Oci.Tar;

/// <summary>
/// Writes a tar archive: ustar headers, with a pax header before entries that do not fit. The same entries give the same bytes.
/// </summary>
/// <remarks>Not thread-safe. <see cref="Finish"/> writes the end marker; the stream stays open.</remarks>
public sealed class TarWriter(Stream stream)
{
    private const int BlockSize = 512;
    // ustar's prefix would take 155 more, but the framework's reader ignores it after a pax header
    private const int NameLengthMax = 100;
    private const long OctalMax11 = 0x1_FFFF_FFFF;  // 11 octal digits
    private const uint OctalMax7 = 0x1F_FFFF;       // 7 octal digits

    /// <summary>Writes an entry, reading <see cref="TarEntry.Size"/> bytes from <paramref name="content"/>.</summary>
    /// <exception cref="TarException">The content is shorter than the entry says.</exception>
    public void Write(TarEntry entry, Stream? content = null)
    {
        WriteHeader(entry);
        if (entry.Size == 0)
        {
            return;
        }

        var buffer = new byte[(int)Math.Min(entry.Size, 128 * 1024)];
        for (var left = entry.Size; left > 0;)
        {
            var read = content?.Read(buffer, 0, (int)Math.Min(left, buffer.Length)) ?? 0;
            if (read == 0)
            {
                throw new TarException($"{ByteStrings.ToText(entry.Name)} became shorter while it was packed: {left} bytes are missing");
            }

            stream.Write(buffer, 0, read);
            left -= read;
        }

        Pad(entry.Size);
    }

    /// <summary>Writes a file of <paramref name="content"/>, owned by root, 0644, at the epoch.</summary>
    public void WriteFile(string name, ReadOnlySpan<byte> content)
    {
        WriteHeader(new TarEntry { Name = name, Kind = TarKind.File, Mode = 0x1A4, Size = content.Length });
        stream.Write(content);
        Pad(content.Length);
    }

    /// <summary>Writes the two empty blocks that end an archive.</summary>
    public void Finish() => stream.Write(new byte[2 * BlockSize]);

    private static string PaxHeader(TarEntry entry)
    {
        var pax = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (entry.Name.Length > NameLengthMax)
        {
            pax["path"] = entry.Name;
        }

        if (entry.LinkName.Length > NameLengthMax)
        {
            pax["linkpath"] = entry.LinkName;
        }

        if (entry.Size > OctalMax11)
        {
            pax["size"] = entry.Size.ToString(CultureInfo.InvariantCulture);
        }

        if (entry.Uid > OctalMax7)
        {
            pax["uid"] = entry.Uid.ToString(CultureInfo.InvariantCulture);
        }

        if (entry.Gid > OctalMax7)
        {
            pax["gid"] = entry.Gid.ToString(CultureInfo.InvariantCulture);
        }

        if (entry.ModifiedSeconds is < 0 or > OctalMax11 || entry.ModifiedNanoseconds != 0)
        {
            var time = entry.ModifiedSeconds + (entry.ModifiedNanoseconds / 1_000_000_000m);
            pax["mtime"] = time.ToString("0.#########", CultureInfo.InvariantCulture);
        }

        foreach (var (key, value) in entry.Attributes ?? new Dictionary<string, byte[]>())
        {
            pax["SCHILY.xattr." + key] = Encoding.Latin1.GetString(value);
        }

        var text = new StringBuilder();
        foreach (var (key, value) in pax)
        {
            text.Append(Record(key, value));
        }

        return text.ToString();
    }

    // The record's length counts its own digits, so adding a digit may add another.
    private static string Record(string key, string value)
    {
        var rest = $" {key}={value}\n";
        var length = rest.Length + 1;
        while (length.ToString(CultureInfo.InvariantCulture).Length + rest.Length != length)
        {
            length++;
        }

        return length.ToString(CultureInfo.InvariantCulture) + rest;
    }

    private void WriteHeader(TarEntry entry)
    {
        var pax = PaxHeader(entry);
        if (pax.Length > 0)
        {
            var header = new TarEntry { Name = "PaxHeaders.0/entry", Kind = TarKind.File, Mode = 0x1A4, Size = pax.Length };
            WriteBlock(header, 'x');
            stream.Write(Encoding.Latin1.GetBytes(pax));
            Pad(pax.Length);
        }

        WriteBlock(entry, Type(entry.Kind));
    }

    private static char Type(TarKind kind) => kind switch
    {
        TarKind.File => '0',
        TarKind.HardLink => '1',
        TarKind.SymbolicLink => '2',
        TarKind.CharacterDevice => '3',
        TarKind.BlockDevice => '4',
        TarKind.Directory => '5',
        TarKind.Fifo => '6',
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such kind of entry."),
    };

    private void WriteBlock(TarEntry entry, char type)
    {
        var block = new byte[BlockSize];
        Put(block, 0, Cut(entry.Name));
        Octal(block, 100, 7, entry.Mode);
        Octal(block, 108, 7, Math.Min(entry.Uid, OctalMax7));
        Octal(block, 116, 7, Math.Min(entry.Gid, OctalMax7));
        Octal(block, 124, 11, Math.Min(entry.Size, OctalMax11));
        Octal(block, 136, 11, Math.Clamp(entry.ModifiedSeconds, 0, OctalMax11));
        block[156] = (byte)type;
        Put(block, 157, Cut(entry.LinkName));
        Put(block, 257, "ustar");
        Put(block, 263, "00");
        Octal(block, 329, 7, entry.DeviceMajor);
        Octal(block, 337, 7, entry.DeviceMinor);
        block.AsSpan(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var b in block)
        {
            sum += b;
        }

        Octal(block, 148, 6, sum);
        block[154] = 0;
        stream.Write(block);
    }

    private static string Cut(string name) => name.Length > NameLengthMax ? name[..NameLengthMax] : name;

    private static void Put(byte[] block, int offset, string text) => Encoding.Latin1.GetBytes(text, block.AsSpan(offset));

    private static void Octal(byte[] block, int offset, int digits, long value)
    {
        for (var i = digits - 1; i >= 0; i--)
        {
            block[offset + i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }

    private void Pad(long size)
    {
        var rest = (int)(size % BlockSize);
        if (rest > 0)
        {
            stream.Write(new byte[BlockSize - rest]);
        }
    }
}
