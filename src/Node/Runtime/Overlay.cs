namespace Knet.Node.Runtime;

/// <summary>A container's root file system: the image's layers under one writable directory.</summary>
/// <remarks>Blocking: call it from <see cref="WorkerThreads"/>.</remarks>
internal static class Overlay
{
    // The kernel takes mount options of one page.
    private const int OptionsMax = 4000;

    /// <param name="layers">Unpacked layers, top first.</param>
    /// <param name="writable">A directory for what the container writes, on a file system that overlayfs takes as upper.</param>
    /// <param name="target">Where the root file system appears.</param>
    public static void Mount(IReadOnlyList<string> layers, string writable, string target)
    {
        var upper = Path.Combine(writable, "u");
        var work = Path.Combine(writable, "w");
        Directory.CreateDirectory(upper);
        Directory.CreateDirectory(work);
        Directory.CreateDirectory(target);
        AddTmp(layers, upper);
        var options = Options(layers, upper, work);
        if (options.Length > OptionsMax)
        {
            options = Options(Shortened(layers, writable), upper, work);
        }

        // Volatile: no sync ever; a writable layer is never mounted twice.
        if (Native.Mount("overlay", target, "overlay", Native.MsNoDev, options + ",volatile") != 0)
        {
            Native.MountOrThrow("overlay", target, "overlay", Native.MsNoDev, options);
        }
    }

    public static void Unmount(string target) => _ = Native.Unmount(target, Native.MntDetach);

    /// <summary>Programs count on a /tmp for everybody, which images made from packages or from nothing often lack.</summary>
    private static void AddTmp(IReadOnlyList<string> layers, string upper)
    {
        if (!layers.Any(l => Directory.Exists(Path.Combine(l, "tmp"))))
        {
            var tmp = Path.Combine(upper, "tmp");
            Directory.CreateDirectory(tmp);
            File.SetUnixFileMode(tmp, (UnixFileMode)0x3ff); // 1777
        }

        File.SetUnixFileMode(upper, (UnixFileMode)0x1ed); // 0755: what the container sees as its root directory
    }

    private static string Options(IEnumerable<string> layers, string upper, string work) =>
        $"lowerdir={string.Join(':', layers)},upperdir={upper},workdir={work}";

    private static List<string> Shortened(IReadOnlyList<string> layers, string writable)
    {
        var links = new List<string>();
        for (var i = 0; i < layers.Count; i++)
        {
            var link = Path.Combine(writable, $"{i}");
            File.CreateSymbolicLink(link, layers[i]);
            links.Add(link);
        }

        return links;
    }
}
