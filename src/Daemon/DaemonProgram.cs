using Knet.Daemon.Commands;
using Knet.Daemon.Roles;
using Knet.Daemon.Startup;

namespace Knet.Daemon;

/// <summary>The daemon's entry: runs the platform, cleans up after one, or makes an image.</summary>
internal static class DaemonProgram
{
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            return args.FirstOrDefault() switch
            {
                "compose" => ComposeCommand.Compose(new(args[1..])),
                "compose-dotnet" => await ComposeCommand.ComposeDotnetAsync(new(args[1..])),
                "debian-rootfs" => await ComposeCommand.DebianRootFsAsync(new(args[1..])),
                "teardown" => await Teardown.RunAsync(DaemonOptions.Parse(args[1..])),
                _ => await Platform.RunAsync(DaemonOptions.Parse(args)),
            };
        }
        catch (FormatException e)
        {
            await Console.Error.WriteLineAsync($"knetd: {e.Message}");
            return 2;
        }
        catch (Exception e) when (e is Oci.ImageException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"knetd: {e.Message}");
            return 1;
        }
    }
}
