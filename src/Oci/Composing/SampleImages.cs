namespace Knet.Oci.Composing;

/// <summary>
/// The recipes of the images that Knet's own samples and tests run: made on this machine, from a build and a few Debian packages, without any
/// registry. Put them into a store with <see cref="Local.Images.ComposeAsync"/> or into a file with <see cref="ImageArchive.Write"/>.
/// </summary>
public static class SampleImages
{
    /// <summary>The uid that images without a need for root run as: that of distroless images' <c>nonroot</c>.</summary>
    private const string NonRoot = "65532:65532";

    /// <summary>
    /// A program published for this machine (NativeAOT or self-contained), on a base of glibc and the C++ runtime from Debian packages.
    /// </summary>
    /// <param name="publishDirectory">What <c>dotnet publish</c> wrote; debug symbols are left out.</param>
    /// <param name="program">The executable's name in it.</param>
    /// <param name="work">A directory for packages and the base, kept for the next time.</param>
    /// <param name="time">For the time limit of the download.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ImageException">The program is missing, or the packages cannot be had.</exception>
    public static async Task<ImageRecipe> DotnetAsync(
        string publishDirectory, string program, string work, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(publishDirectory, program)))
        {
            throw new ImageException($"{publishDirectory} has no program \"{program}\"; publish the project to that directory first");
        }

        // A managed program needs the C++ runtime; one made with NativeAOT is a single file that needs only glibc.
        var isManaged = File.Exists(Path.Combine(publishDirectory, "libcoreclr.so"));
        string[] packages = isManaged ? ["libc6", "libstdc++6", "libgcc-s1"] : ["libc6"];
        var root = Path.Combine(work, isManaged ? "base-dotnet" : "base-libc");
        await BaseAsync(root, packages, work, time, cancellationToken);
        return new ImageRecipe
        {
            Layers =
            [
                new DirectoryLayer(root) { KeepOwners = true },
                new DirectoryLayer(publishDirectory, "/app") { Filter = path => Path.GetExtension(path) is not (".dbg" or ".pdb") },
            ],
            Entrypoint = [$"/app/{program}"],
            Env = ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", "DOTNET_EnableDiagnostics=0"],
            WorkingDir = "/app",
            User = NonRoot,
        };
    }

    // Complete or not there: it is made under another name first.
    private static async Task BaseAsync(
        string root, IReadOnlyList<string> packages, string work, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Directory.Exists(root))
        {
            return;
        }

        var unfinished = $"{root}.{Guid.NewGuid():N}";
        var options = new DebianRootFsOptions { Packages = packages, Directory = unfinished, Cache = Path.Combine(work, "packages") };
        try
        {
            await DebianRootFs.BuildAsync(options, time, cancellationToken);
            Directory.Move(unfinished, root);
        }
        finally
        {
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true);
            }
        }
    }
}
