using System.CommandLine;
using System.Reflection;

namespace Knet.Cli;

internal static class VersionCommand
{
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", "Print the version of this program");
        command.SetAction(_ => Console.Out.WriteLine($"knet {Version}"));
        return command;
    }
}
