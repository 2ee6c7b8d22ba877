namespace Knet.Oci.Composing;

/// <summary>
/// What an image is made of. Equal recipes over equal files give equal images, bit by bit: entries are sorted and carry the recipe's time.
/// </summary>
public sealed record ImageRecipe
{
    /// <summary>A local image to build upon; null for an empty one. What the recipe leaves null is inherited from it.</summary>
    public string? From { get; init; }

    /// <summary>Layers to put on top, bottom first.</summary>
    public IReadOnlyList<LayerSource> Layers { get; init; } = [];

    /// <summary>Setting it drops the inherited <see cref="Cmd"/>, as Docker does.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary><c>NAME=value</c>; added to the inherited ones, of which those with the same name are replaced.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary><c>uid</c>, <c>uid:gid</c> or names of the image's <c>/etc/passwd</c>.</summary>
    public string? User { get; init; }

    public string? WorkingDir { get; init; }

    /// <summary><c>8080/tcp</c>; added to the inherited ones.</summary>
    public IReadOnlyList<string> Ports { get; init; } = [];

    /// <summary>Added to the inherited ones.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public string? StopSignal { get; init; }

    /// <summary>
    /// The time of the image, and of the files of layers that do not keep theirs. Default: 1970, so that equal files make equal images.
    /// </summary>
    public DateTimeOffset Created { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Whether layers are packed with gzip: smaller in a registry, slower to make and to unpack. Default false.</summary>
    public bool Gzip { get; init; }
}

/// <summary>The files of one layer.</summary>
public abstract record LayerSource;

/// <summary>A directory tree of this machine.</summary>
/// <param name="Directory">What to pack; its contents, not itself.</param>
/// <param name="Target">Where it goes in the image: <c>/</c>, <c>/app</c>.</param>
public sealed record DirectoryLayer(string Directory, string Target = "/") : LayerSource
{
    /// <summary>
    /// Whether owners, modes and attributes are kept (a root file system). Default false: root's, 0755 for directories and programs,
    /// 0644 for the rest, so that the result does not depend on who built it.
    /// </summary>
    public bool KeepOwners { get; init; }

    /// <summary>Whether a file goes into the layer, by its path in the directory (<c>bin/app</c>); null for all.</summary>
    public Func<string, bool>? Filter { get; init; }
}

/// <summary>Files that are made, not found.</summary>
public sealed record FilesLayer(IReadOnlyList<LayerFile> Files) : LayerSource;

/// <summary>A file, or a directory if <paramref name="Content"/> is null.</summary>
/// <param name="Path">Absolute in the image.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="Mode">Permissions; 0 for 0644, or 0755 for a directory.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
public sealed record LayerFile(string Path, byte[]? Content, uint Mode = 0, uint Uid = 0, uint Gid = 0)
{
    /// <summary>A file of <paramref name="text"/>, in UTF-8.</summary>
    public static LayerFile Text(string path, string text, uint mode = 0) => new(path, System.Text.Encoding.UTF8.GetBytes(text), mode);
}
