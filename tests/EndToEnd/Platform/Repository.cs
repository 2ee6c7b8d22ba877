using System.Runtime.CompilerServices;

namespace Knet.Tests.EndToEnd.Platform;

/// <summary>Where the built programs and the samples are.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();
    public static string Knet => Path.Combine(Root, "artifacts/knet/knet");
    public static string Daemon => Path.Combine(Root, "artifacts/knet/knetd");
    public static string Kubectl => Environment.GetEnvironmentVariable("KUBECTL") is { Length: > 0 } path ? path : "kubectl";

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "Knet.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("no Knet.slnx above the tests");
    }
}
