using System.Globalization;
using k8s.Models;
using Knet.Kube.Informers;
using Knet.Node.Agent;

namespace Knet.Node.Pods;

/// <summary>The variables that tell a container of the Services of its namespace (enableServiceLinks), in Docker's old form.</summary>
internal sealed class ServiceEnvironment(NodeOptions options, Informer<V1Service> services)
{
    public IReadOnlyList<KeyValuePair<string, string>> For(V1Pod pod)
    {
        var result = new List<KeyValuePair<string, string>>();
        if (pod.Spec.EnableServiceLinks != false)
        {
            foreach (var service in services.List(pod.Metadata.NamespaceProperty).Where(s => s.Metadata.Name != "kubernetes"))
            {
                var ip = service.Spec?.ClusterIP;
                if (ip is not (null or "" or "None"))
                {
                    Add(result, service.Metadata.Name, ip, service.Spec!.Ports ?? []);
                }
            }
        }

        // The API itself is always told, whatever the links say.
        Add(result, "kubernetes", options.ApiHost, [new V1ServicePort { Name = "https", Port = options.ApiPort, Protocol = "TCP" }]);
        return result;
    }

    internal static void Add(List<KeyValuePair<string, string>> result, string service, string ip, IEnumerable<V1ServicePort> ports)
    {
        var name = service.ToUpperInvariant().Replace('-', '_');
        var all = ports.ToList();
        if (all.Count == 0)
        {
            return;
        }

        void Set(string key, string value) => result.Add(new KeyValuePair<string, string>($"{name}_{key}", value));
        Set("SERVICE_HOST", ip);
        Set("SERVICE_PORT", Number(all[0].Port));
        foreach (var port in all.Where(p => !string.IsNullOrEmpty(p.Name)))
        {
            Set($"SERVICE_PORT_{port.Name.ToUpperInvariant().Replace('-', '_')}", Number(port.Port));
        }

        for (var i = 0; i < all.Count; i++)
        {
            var protocol = all[i].Protocol ?? "TCP";
            var url = $"{protocol.ToLowerInvariant()}://{ip}:{Number(all[i].Port)}";
            var prefix = $"PORT_{Number(all[i].Port)}_{protocol}";
            if (i == 0)
            {
                Set("PORT", url);
            }

            Set(prefix, url);
            Set($"{prefix}_PROTO", protocol.ToLowerInvariant());
            Set($"{prefix}_PORT", Number(all[i].Port));
            Set($"{prefix}_ADDR", ip);
        }
    }

    private static string Number(int port) => port.ToString(CultureInfo.InvariantCulture);
}
