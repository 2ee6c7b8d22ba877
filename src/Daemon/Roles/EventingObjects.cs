using k8s.Models;
using Knet.Api.Eventing;
using Knet.Api.Schema;
using Knet.Eventing.Config;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles;

/// <summary>The objects that installing Eventing brings: its namespace, CRDs, ConfigMaps and the account of its controllers.</summary>
internal static class EventingObjects
{
    public static async Task EnsureAsync(KubeClient client, CancellationToken cancellationToken)
    {
        // Bindings leave the system's own workloads alone (upstream's label).
        var labels = new Dictionary<string, string> { ["bindings.knative.dev/exclude"] = "true" };
        await KnativeObjects.CreateMissingAsync(
            client,
            new V1Namespace
            {
                ApiVersion = "v1", Kind = "Namespace", Metadata = new() { Name = EventingKeys.SystemNamespace, Labels = labels },
            },
            cancellationToken);
        await KnativeObjects.CreateMissingAsync(
            client,
            new V1ServiceAccount
            {
                ApiVersion = "v1", Kind = "ServiceAccount",
                Metadata = new() { Name = EventingKeys.ControllerAccount, NamespaceProperty = EventingKeys.SystemNamespace },
            },
            cancellationToken);
        foreach (var definition in CrdWriter.ForEventing())
        {
            await KnativeObjects.ApplyDefinitionAsync(client, definition, cancellationToken);
        }

        foreach (var map in EventingConfigMaps.Create())
        {
            await KnativeObjects.CreateMissingAsync(client, map, cancellationToken);
        }
    }
}
