using k8s;

namespace Knet.Tests.Clients;

/// <summary>
/// <c>knet-clients [MINUTES [KUBECONFIG]]</c>: a program as our users write them, with the KubernetesClient package and nothing of ours.
/// For that long (60) it lists, watches, writes and elects leaders on any Kubernetes, counts what it saw, and says every minute how it
/// stands. It ends with 0 when every write was seen and nothing failed.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var duration = TimeSpan.FromMinutes(arguments.Length > 0 && double.TryParse(arguments[0], out var minutes) ? minutes : 60);
        var file = arguments.Length > 1 ? arguments[1] : Environment.GetEnvironmentVariable("KUBECONFIG");
        using var client = new Kubernetes(KubernetesClientConfiguration.BuildConfigFromConfigFile(file));
        using var soak = new Soak(client, TimeProvider.System);
        return await soak.RunAsync(duration) ? 0 : 1;
    }
}
