using Knet.Oci.Tar;

namespace Knet.Oci.Layers;

/// <summary>
/// Finds where an entry of a layer belongs, never outside the layer's directory: <c>..</c> in names is refused, symbolic links in the way
/// are
/// followed as a process whose root is that directory would follow them.
/// </summary>
/// <remarks>
/// Only one thread may work in the directory, and nobody else must write there: then what was found to be a directory stays one until we
/// remove it, and is not asked for again.
/// </remarks>
internal sealed class LayerPaths(string root)
{
    private const int LinksMax = 40;    // the kernel's MAXSYMLINKS

    private readonly HashSet<string> _directories = [""];

    /// <summary>The directory of the layer, as a byte string.</summary>
    internal string Root { get; } = ByteStrings.FromText(root);

    /// <summary>
    /// The path for <paramref name="name"/> relative to the root, without a leading slash; empty for the root itself. Missing directories
    /// above it are made (0755, root) and symbolic links above it are followed within the root; the last component is left as it is.
    /// </summary>
    /// <exception cref="TarException">The name is not one that a layer may have.</exception>
    internal string Place(string name)
    {
        var parts = Split(name);
        if (parts.Count == 0)
        {
            return "";
        }

        var parent = Directory(parts.GetRange(0, parts.Count - 1), name);
        return Join(parent, parts[^1]);
    }

    /// <summary>The absolute path, as a byte string, of what <see cref="Place"/> gave.</summary>
    internal string Absolute(string relative) => relative.Length == 0 ? Root : $"{Root}/{relative}";

    /// <summary>Says that <paramref name="relative"/> is a directory now.</summary>
    internal void Made(string relative) => _directories.Add(relative);

    /// <summary>Says that <paramref name="relative"/> and all below it are gone.</summary>
    internal void Removed(string relative) =>
        _directories.RemoveWhere(d => d == relative || d.StartsWith(relative + "/", StringComparison.Ordinal));

    private static List<string> Split(string name)
    {
        var parts = name.Split('/').Where(p => p.Length > 0 && p != ".").ToList();
        if (parts.Contains(".."))
        {
            throw new TarException(
                $"the entry \"{ByteStrings.ToText(name)}\" has \"..\" in its name; a layer's entries must stay within the layer");
        }

        return name.Contains('\0') ? throw new TarException("an entry has a NUL character in its name") : parts;
    }

    private static string Join(string parent, string child) => parent.Length == 0 ? child : $"{parent}/{child}";

    private string Directory(List<string> parts, string name)
    {
        var todo = new Stack<string>(Enumerable.Reverse(parts));
        var at = "";
        for (var links = 0; todo.TryPop(out var part);)
        {
            if (part == "..")
            {
                // Only from a link's target. Above the root is the root, as for a process in a chroot.
                at = at.Contains('/') ? at[..at.LastIndexOf('/')] : "";
                continue;
            }

            var next = Join(at, part);
            if (_directories.Contains(next))
            {
                at = next;
                continue;
            }

            switch (Libc.Status(Absolute(next)))
            {
                case null:
                    Libc.MakeDirectory(Absolute(next), 0x1ED);  // 0755
                    Libc.ChangeMode(Absolute(next), 0x1ED);     // whatever the umask is
                    Made(next);
                    at = next;
                    break;
                case { IsDirectory: true }:
                    Made(next);
                    at = next;
                    break;
                case { Type: Libc.SymbolicLink }:
                    if (++links > LinksMax)
                    {
                        throw new TarException($"the entry \"{ByteStrings.ToText(name)}\" lies behind more than {LinksMax} symbolic links");
                    }

                    at = Follow(Libc.ReadLink(Absolute(next)), at, todo);
                    break;
                default:
                    throw new TarException(
                        $"the entry \"{ByteStrings.ToText(name)}\" lies below \"{ByteStrings.ToText(next)}\", which is not a directory");
            }
        }

        return at;
    }

    private static string Follow(string target, string at, Stack<string> todo)
    {
        foreach (var part in target.Split('/').Where(p => p.Length > 0 && p != ".").Reverse())
        {
            todo.Push(part);
        }

        return target.StartsWith('/') ? "" : at;
    }
}
