using System.Text;
using k8s.Models;

namespace Knet.Node.Volumes;

/// <summary>A volume cannot be made; the message says which object or key is missing.</summary>
internal sealed class VolumeException(string message) : Exception(message);

/// <summary>A file of a volume that is made of API objects.</summary>
/// <param name="Owner">The user that it belongs to; null for root.</param>
internal sealed record PayloadFile(byte[] Content, int Mode, long? Owner = null);

/// <summary>Computes which files a configMap, secret, projected or downwardAPI volume shows. Pure.</summary>
internal sealed class VolumePayload(int defaultMode)
{
    private const int OwnerOnly = 0x180; // 0600
    private readonly SortedDictionary<string, PayloadFile> _files = new(StringComparer.Ordinal);

    /// <summary>Relative path to file.</summary>
    public IReadOnlyDictionary<string, PayloadFile> Files => _files;

    /// <exception cref="VolumeException">The object, or a key of it, is missing and not optional.</exception>
    public void Add(string ns, string name, V1ConfigMap? map, IList<V1KeyToPath>? items, bool optional)
    {
        if (map is null)
        {
            Missing("configmap", name, optional);
            return;
        }

        var data = (map.BinaryData ?? new Dictionary<string, byte[]>())
            .Concat((map.Data ?? new Dictionary<string, string>()).Select(p => KeyValuePair.Create(p.Key, Encoding.UTF8.GetBytes(p.Value))));
        Add($"configmap {ns}/{name}", data, items, optional);
    }

    /// <inheritdoc cref="Add(string, string, V1ConfigMap?, IList{V1KeyToPath}?, bool)"/>
    public void Add(string ns, string name, V1Secret? secret, IList<V1KeyToPath>? items, bool optional)
    {
        if (secret is null)
        {
            Missing("secret", name, optional);
            return;
        }

        Add($"secret {ns}/{name}", secret.Data ?? new Dictionary<string, byte[]>(), items, optional);
    }

    public void Add(string path, byte[] content, int? mode) => _files[Checked(path)] = new PayloadFile(content, mode ?? defaultMode);

    /// <summary>A token, by kubelet's rule: for the pod's group or its only user alone where there is one, else with the volume's mode.</summary>
    public void AddToken(string path, byte[] token, V1Pod pod)
    {
        var user = OnlyUserOf(pod);
        var confined = user is not null || pod.Spec.SecurityContext?.FsGroup is not null;
        _files[Checked(path)] = new PayloadFile(token, confined ? OwnerOnly : defaultMode, user);
    }

    // The user that every container names, itself or by the pod.
    private static long? OnlyUserOf(V1Pod pod)
    {
        var users = pod.Spec.Containers.Concat(pod.Spec.InitContainers ?? [])
            .Select(c => c.SecurityContext?.RunAsUser ?? pod.Spec.SecurityContext?.RunAsUser).Distinct().ToList();
        return users.Count == 1 ? users[0] : null;
    }

    private static void Missing(string kind, string name, bool optional)
    {
        if (!optional)
        {
            throw new VolumeException($"{kind} \"{name}\" not found");
        }
    }

    private void Add(string what, IEnumerable<KeyValuePair<string, byte[]>> data, IList<V1KeyToPath>? items, bool optional)
    {
        if (items is not { Count: > 0 })
        {
            foreach (var (key, content) in data)
            {
                Add(key, content, null);
            }

            return;
        }

        var byKey = data.ToDictionary(StringComparer.Ordinal);
        foreach (var item in items)
        {
            if (byKey.TryGetValue(item.Key, out var content))
            {
                Add(item.Path, content, item.Mode);
            }
            else if (!optional)
            {
                throw new VolumeException($"references non-existent {(what.StartsWith('c') ? "config" : "secret")} key: {item.Key} ({what})");
            }
        }
    }

    private static string Checked(string path) =>
        path.Length > 0 && !path.StartsWith("..", StringComparison.Ordinal) && !path.Split('/').Any(p => p is ".." or "." or "")
            ? path
            : throw new VolumeException($"invalid path \"{path}\": it must be relative and stay in the volume");
}
