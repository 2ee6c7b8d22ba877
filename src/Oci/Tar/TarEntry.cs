namespace Knet.Oci.Tar;

/// <summary>What a tar entry is.</summary>
public enum TarKind
{
    File,
    HardLink,
    SymbolicLink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}

/// <summary>One entry of a tar archive: metadata only, the content is read from the archive.</summary>
/// <remarks>
/// Names are bytes to Linux. Here each char is one byte (Latin-1), so that names in any encoding come out as they went in;
/// <see cref="ByteStrings"/> converts.
/// </remarks>
public sealed record TarEntry
{
    public required string Name { get; init; }

    public required TarKind Kind { get; init; }

    /// <summary>Permissions with set-id and sticky bits, 12 bits.</summary>
    public uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    /// <summary>Bytes of content; 0 for all but files.</summary>
    public long Size { get; init; }

    public long ModifiedSeconds { get; init; }

    public int ModifiedNanoseconds { get; init; }

    /// <summary>Target of a link.</summary>
    public string LinkName { get; init; } = "";

    public uint DeviceMajor { get; init; }

    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes by name (<c>security.capability</c>).</summary>
    public IReadOnlyDictionary<string, byte[]>? Attributes { get; init; }
}

/// <summary>Bytes as strings of one char each, and back.</summary>
public static class ByteStrings
{
    /// <summary>The bytes of <paramref name="text"/>'s UTF-8 form, one per char.</summary>
    public static string FromText(string text) => System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>
    /// Reads the bytes as UTF-8, for people and for ordinary .NET calls; what is not UTF-8 becomes a replacement character.
    /// </summary>
    public static string ToText(string bytes) => System.Text.Encoding.UTF8.GetString(System.Text.Encoding.Latin1.GetBytes(bytes));
}

/// <summary>An archive that is not tar, is cut off, or breaks a limit; the text says where.</summary>
public sealed class TarException(string message) : Exception(message);
