using System.Text;
using k8s.Models;

namespace Knet.Node.Pods;

/// <summary>Where environments find what they refer to.</summary>
/// <param name="ConfigMap">By name; null when absent.</param>
internal sealed record EnvironmentSources(
    Func<string, Task<V1ConfigMap?>> ConfigMap,
    Func<string, Task<V1Secret?>> Secret,
    IReadOnlyList<KeyValuePair<string, string>> Services,
    string PodIp,
    string HostIp,
    long NodeMemoryBytes,
    int NodeCpus);

/// <summary>A container's environment: services, envFrom, env; later ones win, and may use earlier ones as <c>$(NAME)</c>.</summary>
internal static class ContainerEnvironment
{
    /// <exception cref="ContainerConfigException">A reference that is not optional leads nowhere.</exception>
    public static async Task<IReadOnlyDictionary<string, string>> ResolveAsync(V1Pod pod, V1Container container, EnvironmentSources sources)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in sources.Services)
        {
            result[name] = value;
        }

        foreach (var from in container.EnvFrom ?? [])
        {
            await AddAllAsync(result, from, sources);
        }

        foreach (var variable in container.Env ?? [])
        {
            var value = variable.ValueFrom is { } reference
                ? await ValueAsync(pod, container, reference, sources)
                : VariableExpansion.Expand(variable.Value ?? "", n => result.GetValueOrDefault(n));
            if (value is not null)
            {
                result[variable.Name] = value;
            }
        }

        return result;
    }

    private static async Task AddAllAsync(Dictionary<string, string> result, V1EnvFromSource from, EnvironmentSources sources)
    {
        if (from.ConfigMapRef is { } map)
        {
            var found = await sources.ConfigMap(map.Name);
            if (found is null && map.Optional != true)
            {
                throw new ContainerConfigException($"configmap \"{map.Name}\" not found");
            }

            foreach (var (key, value) in found?.Data ?? new Dictionary<string, string>())
            {
                result[from.Prefix + key] = value;
            }
        }

        if (from.SecretRef is { } secret)
        {
            var found = await sources.Secret(secret.Name);
            if (found is null && secret.Optional != true)
            {
                throw new ContainerConfigException($"secret \"{secret.Name}\" not found");
            }

            foreach (var (key, value) in found?.Data ?? new Dictionary<string, byte[]>())
            {
                result[from.Prefix + key] = Encoding.UTF8.GetString(value);
            }
        }
    }

    /// <summary>Null for an optional reference that leads nowhere: the variable is left out.</summary>
    private static async Task<string?> ValueAsync(V1Pod pod, V1Container container, V1EnvVarSource from, EnvironmentSources sources)
    {
        if (from.FieldRef is { } field)
        {
            return FieldReferences.Field(pod, field.FieldPath, sources.PodIp, sources.HostIp);
        }

        if (from.ResourceFieldRef is { } resource)
        {
            return FieldReferences.Resource(pod, resource, container.Name, sources.NodeMemoryBytes, sources.NodeCpus);
        }

        if (from.ConfigMapKeyRef is { } mapKey)
        {
            var map = await sources.ConfigMap(mapKey.Name);
            return map?.Data?.TryGetValue(mapKey.Key, out var value) == true ? value
                : mapKey.Optional == true ? null
                : throw Missing("ConfigMap", "configmap", map is null, pod, mapKey.Name, mapKey.Key);
        }

        if (from.SecretKeyRef is { } secretKey)
        {
            var secret = await sources.Secret(secretKey.Name);
            return secret?.Data?.TryGetValue(secretKey.Key, out var value) == true ? Encoding.UTF8.GetString(value)
                : secretKey.Optional == true ? null
                : throw Missing("Secret", "secret", secret is null, pod, secretKey.Name, secretKey.Key);
        }

        throw new ContainerConfigException(
            "valueFrom names no source that this node knows: use fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef");
    }

    private static ContainerConfigException Missing(string kind, string lower, bool whole, V1Pod pod, string name, string key) =>
        new(whole ? $"{lower} \"{name}\" not found" : $"couldn't find key {key} in {kind} {pod.Metadata.NamespaceProperty}/{name}");
}
