using System.Text.RegularExpressions;
using Knet.Oci.Formats;

namespace Knet.Oci.References;

/// <summary>
/// The name of an image, complete: <c>nginx</c> is <c>docker.io/library/nginx:latest</c>. The grammar is that of the distribution project,
/// which kubelet uses as well.
/// </summary>
/// <param name="Registry">Host, with port if one was given: <c>docker.io</c>, <c>localhost:5000</c>.</param>
/// <param name="Repository">Path within the registry, without a leading slash.</param>
/// <param name="Tag">The tag; null when there is a digest and no tag was written.</param>
/// <param name="Digest">The digest; it decides when there is a tag too.</param>
public sealed partial record ImageReference(string Registry, string Repository, string? Tag, Digest? Digest)
{
    /// <summary>The registry that names without a host belong to.</summary>
    public const string DefaultRegistry = "docker.io";

    private const string DefaultTag = "latest";
    private const string DefaultNamespace = "library";
    private const int NameLengthMax = 255;
    private const int TextLengthMax = 1024;     // before any pattern looks at it
    private const string Label = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*";

    /// <summary>Registry and repository: <c>docker.io/library/nginx</c>.</summary>
    public string Name => $"{Registry}/{Repository}";

    /// <summary>What stands behind <c>/manifests/</c>: the digest, or else the tag.</summary>
    public string Target => Digest?.ToString() ?? Tag!;

    /// <summary>The complete name; with a digest the tag is left out, as it decides nothing.</summary>
    public override string ToString() => Digest is { } digest ? $"{Name}@{digest}" : $"{Name}:{Tag}";

    /// <summary>The same repository at <paramref name="digest"/>.</summary>
    public ImageReference At(Digest digest) => this with { Tag = null, Digest = digest };

    /// <summary>Parses <paramref name="text"/>.</summary>
    /// <exception cref="ImageException">It is not a reference; the reason is <c>InvalidImageName</c> and the text is kubelet's.</exception>
    public static ImageReference Parse(string text) => TryParse(text, out var reference, out var error)
        ? reference!
        : throw new ImageException(
            $"Failed to apply default image tag \"{text}\": couldn't parse image name \"{text}\": {error}", "InvalidImageName");

    /// <summary>
    /// Parses <paramref name="text"/>; on failure <paramref name="error"/> says why in the distribution project's words
    /// (<c>invalid reference format</c>).
    /// </summary>
    public static bool TryParse(string text, out ImageReference? reference, out string error)
    {
        reference = null;
        if (text.Length > TextLengthMax)
        {
            error = "invalid reference format";
            return false;
        }

        var (rest, digestText) = SplitAt(text, text.IndexOf('@', StringComparison.Ordinal));
        Digest? digest = null;
        if (digestText is not null)
        {
            if (!Formats.Digest.TryParse(digestText, out var parsed))
            {
                error = "invalid reference format";
                return false;
            }

            digest = parsed;
        }

        var colon = rest.LastIndexOf(':');
        var (name, tag) = SplitAt(rest, colon > rest.LastIndexOf('/') ? colon : -1);
        error = Check(name, tag);
        if (error.Length > 0)
        {
            return false;
        }

        var (registry, repository) = SplitName(name);
        if (registry.Length + 1 + repository.Length > NameLengthMax)
        {
            error = $"repository name must not be more than {NameLengthMax} characters";
            return false;
        }

        reference = new ImageReference(registry, repository, tag ?? (digest is null ? DefaultTag : null), digest);
        return true;
    }

    private static string Check(string name, string? tag)
    {
        if (HexName().IsMatch(name))
        {
            return $"invalid repository name ({name}), cannot specify 64-byte hexadecimal strings";
        }

        if (name.Length == 0 || (tag is not null && !TagPattern().IsMatch(tag)))
        {
            return "invalid reference format";
        }

        var (registry, repository) = SplitName(name);
        if (repository.Any(char.IsAsciiLetterUpper))
        {
            return $"invalid reference format: repository name ({repository}) must be lowercase";
        }

        return RegistryPattern().IsMatch(registry) && RepositoryPattern().IsMatch(repository) ? "" : "invalid reference format";
    }

    // The first component is a host if it looks like one: a dot, a port, "localhost", or capital letters, which no repository may have.
    private static (string Registry, string Repository) SplitName(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : name[..slash];
        var isHost = first.Contains('.') || first.Contains(':') || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        var (registry, repository) = isHost ? (first, name[(slash + 1)..]) : (DefaultRegistry, name);
        if (registry is "index.docker.io" or "registry-1.docker.io")
        {
            registry = DefaultRegistry;
        }

        return registry == DefaultRegistry && !repository.Contains('/')
            ? (registry, $"{DefaultNamespace}/{repository}")
            : (registry, repository);
    }

    private static (string Before, string? After) SplitAt(string text, int position) =>
        position < 0 ? (text, null) : (text[..position], text[(position + 1)..]);

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    private static partial Regex HexName();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    private static partial Regex TagPattern();

    [GeneratedRegex(@"\A(?:" + Label + @"(?:\." + Label + @")*|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?\z")]
    private static partial Regex RegistryPattern();

    [GeneratedRegex(@"\A[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z")]
    private static partial Regex RepositoryPattern();
}
