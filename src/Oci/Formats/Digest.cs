using System.Security.Cryptography;

namespace Knet.Oci.Formats;

/// <summary>The SHA-256 of some bytes, as OCI writes it: <c>sha256:</c> and 64 hexadecimal digits in lower case.</summary>
/// <remarks>SHA-512, the other registered algorithm, is not in use by any builder known and is refused.</remarks>
public readonly record struct Digest
{
    private const string Prefix = "sha256:";
    private const int HexLength = 64;

    private readonly string? _hex;

    private Digest(string hex) => _hex = hex;

    /// <summary>The 64 digits alone: the name of the blob's file.</summary>
    public string Hex => _hex ?? throw new InvalidOperationException("The digest was not set.");

    /// <summary><c>sha256:hex</c>.</summary>
    public override string ToString() => Prefix + Hex;

    /// <summary>The digest of <paramref name="bytes"/>.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <summary>The digest that a finished SHA-256 computation has given.</summary>
    public static Digest FromHash(ReadOnlySpan<byte> hash) => hash.Length == SHA256.HashSizeInBytes
        ? new Digest(Convert.ToHexStringLower(hash))
        : throw new ArgumentException($"A SHA-256 hash has {SHA256.HashSizeInBytes} bytes, not {hash.Length}.", nameof(hash));

    /// <summary>Parses <c>sha256:hex</c>; nothing else will do.</summary>
    public static bool TryParse(string? text, out Digest digest)
    {
        digest = default;
        if (text is null || text.Length != Prefix.Length + HexLength || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var hex = text[Prefix.Length..];
        if (!hex.All(c => c is >= '0' and <= '9' or >= 'a' and <= 'f'))
        {
            return false;
        }

        digest = new Digest(hex);
        return true;
    }

    /// <summary>Parses <c>sha256:hex</c>.</summary>
    /// <exception cref="ImageException">It is something else; the text names <paramref name="where"/> it stood.</exception>
    public static Digest Parse(string? text, string where) => TryParse(text, out var digest)
        ? digest
        : throw new ImageException(
            $"{where}: \"{text}\" is not a digest of the form sha256:<64 hexadecimal digits>, the only algorithm supported");
}
