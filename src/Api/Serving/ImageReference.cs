using System.Buffers;

namespace Knet.Api.Serving;

/// <summary>An image's name, taken apart as Knative (go-containerregistry, weak validation) does.</summary>
/// <param name="Registry">With port; <c>index.docker.io</c> when the text names none.</param>
/// <param name="Repository">With <c>library/</c> for Docker Hub's one-word names.</param>
/// <param name="Tag">Empty when there is none and a digest is.</param>
/// <param name="Digest"><c>sha256:hex</c>, or empty.</param>
public sealed record ImageReference(string Registry, string Repository, string Tag, string Digest)
{
    private static readonly SearchValues<char> RepositoryChars = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789_-./");
    private static readonly SearchValues<char> HexChars = SearchValues.Create("0123456789abcdef");

    /// <summary><c>registry/repository</c>.</summary>
    public string Context => $"{Registry}/{Repository}";

    /// <summary>Null when the text is no reference.</summary>
    public static ImageReference? TryParse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        var digest = "";
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            digest = text[(at + 1)..];
            text = text[..at];
            if (!digest.StartsWith("sha256:", StringComparison.Ordinal) || digest.Length != 71 ||
                digest.AsSpan(7).ContainsAnyExcept(HexChars))
            {
                return null;
            }
        }

        var colon = text.LastIndexOf(':');
        var tag = "";
        if (colon > text.LastIndexOf('/'))
        {
            tag = text[(colon + 1)..];
            text = text[..colon];
            if (tag.Length is 0 or > 128 || tag.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.')))
            {
                return null;
            }
        }

        return Named(text, tag.Length == 0 && digest.Length == 0 ? "latest" : tag, digest);
    }

    private static ImageReference? Named(string name, string tag, string digest)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var registry = "";
        var repository = name;
        if (slash > 0 && (name[..slash] == "localhost" || name.AsSpan(0, slash).ContainsAny('.', ':')))
        {
            registry = name[..slash];
            repository = name[(slash + 1)..];
        }

        if (repository.Length is < 2 or > 255 || repository.AsSpan().ContainsAnyExcept(RepositoryChars))
        {
            return null;
        }

        if (registry.Length != 0 && (registry.Any(char.IsWhiteSpace) || !Uri.TryCreate($"http://{registry}/", UriKind.Absolute, out _)))
        {
            return null;
        }

        registry = registry is "" or "docker.io" ? "index.docker.io" : registry;
        return new ImageReference(
            registry,
            registry == "index.docker.io" && !repository.Contains('/', StringComparison.Ordinal) ? "library/" + repository : repository,
            tag,
            digest);
    }
}
