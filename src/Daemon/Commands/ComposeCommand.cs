using Knet.Oci.Composing;

namespace Knet.Daemon.Commands;

/// <summary>
/// Makes images on this machine, without a registry and without a running platform:
/// <c>knetd compose --name NAME --out FILE --rootfs DIR [--entrypoint A]… [--env K=V]… [--user U] [--workdir D]</c>,
/// <c>knetd compose-dotnet --name NAME --out FILE --publish DIR --program P</c> and <c>knetd debian-rootfs --out DIR PACKAGE…</c>.
/// </summary>
internal static class ComposeCommand
{
    public static int Compose(CommandArguments arguments)
    {
        var recipe = new ImageRecipe
        {
            Layers = [.. arguments.All("--rootfs").Select(d => new DirectoryLayer(d) { KeepOwners = true })],
            Entrypoint = arguments.All("--entrypoint"),
            Env = arguments.All("--env"),
            User = arguments.Find("--user"),
            WorkingDir = arguments.Find("--workdir"),
        };
        ImageArchive.Write(recipe, arguments.Get("--name"), arguments.Get("--out"), CancellationToken.None);
        return 0;
    }

    public static async Task<int> ComposeDotnetAsync(CommandArguments arguments)
    {
        var output = arguments.Get("--out");
        var work = Path.GetDirectoryName(Path.GetFullPath(output))!;
        Directory.CreateDirectory(work);
        var recipe = await SampleImages.DotnetAsync(
            arguments.Get("--publish"), arguments.Get("--program"), work, TimeProvider.System, CancellationToken.None);
        ImageArchive.Write(recipe, arguments.Get("--name"), output, CancellationToken.None);
        return 0;
    }

    public static async Task<int> DebianRootFsAsync(CommandArguments arguments)
    {
        var directory = Path.GetFullPath(arguments.Get("--out"));
        var options = new DebianRootFsOptions { Packages = arguments.Rest, Directory = directory, Cache = directory + ".packages" };
        await DebianRootFs.BuildAsync(options, TimeProvider.System, CancellationToken.None);
        return 0;
    }
}
