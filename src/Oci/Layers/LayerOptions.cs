namespace Knet.Oci.Layers;

/// <summary>Limits and habits of unpacking a layer.</summary>
public sealed record LayerOptions
{
    /// <summary>Bytes that one layer may have when unpacked, against archives made to fill the disk. Default 64 GiB.</summary>
    public long UnpackedBytesMax { get; init; } = 64L << 30;

    /// <summary>Entries that one layer may have, against archives made to use up the inodes. Default 4 million.</summary>
    public long EntriesMax { get; init; } = 4_000_000;

    /// <summary>
    /// Whether files get the owners and device numbers that the layer says. Default: if this process is root. Without, everything belongs
    /// to the caller, devices are left out, and whiteouts are in the form that unprivileged overlay mounts (<c>userxattr</c>) understand.
    /// </summary>
    public bool Privileged { get; init; } = Environment.IsPrivilegedProcess;

    /// <summary>
    /// Whether whiteouts are removals for overlayfs. Default true. When false (a root file system put together from several archives in one
    /// directory) names that look like whiteouts are refused.
    /// </summary>
    public bool Whiteouts { get; init; } = true;

    /// <summary>Whether an entry is left out, by its name without a leading slash; null for none.</summary>
    public Func<string, bool>? Excluded { get; init; }
}
