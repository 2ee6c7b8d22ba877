using System.Globalization;
using System.Text;
using k8s.Models;

namespace Knet.Node.Pods;

/// <summary>
/// Values that a pod may ask for about itself: <c>fieldRef</c> and <c>resourceFieldRef</c>, in env and downwardAPI volumes. Pure.
/// </summary>
internal static class FieldReferences
{
    /// <exception cref="ContainerConfigException">The path is none that Kubernetes offers.</exception>
    public static string Field(V1Pod pod, string path, string podIp, string hostIp) => path switch
    {
        "metadata.name" => pod.Metadata.Name,
        "metadata.namespace" => pod.Metadata.NamespaceProperty,
        "metadata.uid" => pod.Metadata.Uid,
        "metadata.labels" => Lines(pod.Metadata.Labels),
        "metadata.annotations" => Lines(pod.Metadata.Annotations),
        "spec.nodeName" => pod.Spec.NodeName ?? "",
        "spec.serviceAccountName" => pod.Spec.ServiceAccountName ?? "",
        "status.hostIP" or "status.hostIPs" => hostIp,
        "status.podIP" or "status.podIPs" => podIp,
        _ when Subscript(path, "metadata.labels") is { } label => pod.Metadata.Labels?.TryGetValue(label, out var v) == true ? v : "",
        _ when Subscript(path, "metadata.annotations") is { } key => pod.Metadata.Annotations?.TryGetValue(key, out var v) == true ? v : "",
        _ => throw new ContainerConfigException($"unsupported fieldPath: {path}"),
    };

    /// <summary>A limit or request of a container, divided (rounding up) by the divisor; without a limit, what the node has.</summary>
    /// <exception cref="ContainerConfigException">The container or resource is unknown.</exception>
    public static string Resource(V1Pod pod, V1ResourceFieldSelector selector, string ownName, long nodeMemoryBytes, int nodeCpus)
    {
        var name = string.IsNullOrEmpty(selector.ContainerName) ? ownName : selector.ContainerName;
        var container = pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? []).FirstOrDefault(c => c.Name == name)
            ?? throw new ContainerConfigException($"container {name} not found");
        var parts = selector.Resource.Split('.', 2);
        if (parts is not [("limits" or "requests"), var resource])
        {
            throw new ContainerConfigException($"unsupported container resource : {selector.Resource}");
        }

        var list = parts[0] == "limits" ? container.Resources?.Limits : container.Resources?.Requests;
        var value = list?.TryGetValue(resource, out var quantity) == true ? quantity.ToDecimal()
            : parts[0] == "requests" ? 0
            : resource switch { "cpu" => nodeCpus, "memory" => nodeMemoryBytes, _ => 0 };
        var divisor = selector.Divisor?.ToDecimal() is { } d and > 0 ? d : 1;
        return decimal.Ceiling(value / divisor).ToString("0", CultureInfo.InvariantCulture);
    }

    private static string? Subscript(string path, string map) =>
        path.StartsWith(map + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal)
            ? path[(map.Length + 2)..^2]
            : null;

    private static string Lines(IDictionary<string, string>? map)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in (map ?? new Dictionary<string, string>()).OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var quoted = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
            text.Append(text.Length > 0 ? "\n" : "").Append(key).Append("=\"").Append(quoted).Append('"');
        }

        return text.ToString();
    }
}

/// <summary>A container cannot be described: something it refers to is missing. Shown as CreateContainerConfigError.</summary>
internal sealed class ContainerConfigException(string message) : Exception(message);
