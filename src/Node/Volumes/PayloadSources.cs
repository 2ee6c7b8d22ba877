using System.Text;
using k8s.Models;
using Knet.Node.Pods;

namespace Knet.Node.Volumes;

/// <summary>Reads what a pod's payload volumes are made of, and watches it.</summary>
internal sealed class PayloadSources(PodContext pod)
{
    private const int DefaultMode = 0x1a4; // 0644
    private readonly ServiceAccountTokens _tokens = new(pod.Node.Client, pod.Node.Time);
    private readonly Dictionary<string, (string Token, DateTimeOffset RefreshAt)> _issued = [];

    /// <summary>When the next token is due.</summary>
    public DateTimeOffset? RefreshAt => _issued.Count == 0 ? null : _issued.Values.Min(i => i.RefreshAt);

    /// <exception cref="VolumeException">Something is missing that is not optional.</exception>
    /// <exception cref="Knet.Kube.Client.KubeException">The API refused.</exception>
    public async Task<VolumePayload> ReadAsync(V1Volume volume)
    {
        var mode = volume.ConfigMap?.DefaultMode ?? volume.Secret?.DefaultMode
            ?? volume.Projected?.DefaultMode ?? volume.DownwardAPI?.DefaultMode;
        var payload = new VolumePayload(mode ?? DefaultMode);
        if (volume.ConfigMap is { } map)
        {
            var found = await pod.Node.Objects.GetAsync<V1ConfigMap>(pod.Namespace, map.Name);
            payload.Add(pod.Namespace, map.Name, found, map.Items, map.Optional == true);
        }
        else if (volume.Secret is { } secret)
        {
            var found = await pod.Node.Objects.GetAsync<V1Secret>(pod.Namespace, secret.SecretName);
            payload.Add(pod.Namespace, secret.SecretName, found, secret.Items, secret.Optional == true);
        }
        else if (volume.DownwardAPI is { } downward)
        {
            AddFields(payload, downward.Items ?? []);
        }

        foreach (var (source, index) in (volume.Projected?.Sources ?? []).Select((s, i) => (s, i)))
        {
            await AddAsync(payload, source, $"{volume.Name}/{index}");
        }

        return payload;
    }

    /// <summary>Watches the objects that the volume shows.</summary>
    public IEnumerable<IDisposable> Watch(V1Volume volume, Action changed)
    {
        var maps = (volume.Projected?.Sources ?? []).Select(s => s.ConfigMap?.Name).Append(volume.ConfigMap?.Name);
        var secrets = (volume.Projected?.Sources ?? []).Select(s => s.Secret?.Name).Append(volume.Secret?.SecretName);
        return
        [
            .. maps.OfType<string>().Select(n => pod.Node.Objects.Watch<V1ConfigMap>(pod.Namespace, n, changed)),
            .. volume.PersistentVolumeClaim is { } claim
                ? [pod.Node.Objects.Watch<V1PersistentVolumeClaim>(pod.Namespace, claim.ClaimName, changed)] : Array.Empty<IDisposable>(),
            .. secrets.OfType<string>().Select(n => pod.Node.Objects.Watch<V1Secret>(pod.Namespace, n, changed)),
        ];
    }

    private async Task AddAsync(VolumePayload payload, V1VolumeProjection source, string tokenKey)
    {
        if (source.ConfigMap is { } map)
        {
            var found = await pod.Node.Objects.GetAsync<V1ConfigMap>(pod.Namespace, map.Name);
            payload.Add(pod.Namespace, map.Name, found, map.Items, map.Optional == true);
        }

        if (source.Secret is { } secret)
        {
            var found = await pod.Node.Objects.GetAsync<V1Secret>(pod.Namespace, secret.Name);
            payload.Add(pod.Namespace, secret.Name, found, secret.Items, secret.Optional == true);
        }

        if (source.DownwardAPI is { } downward)
        {
            AddFields(payload, downward.Items ?? []);
        }

        if (source.ServiceAccountToken is { } token)
        {
            if (!_issued.TryGetValue(tokenKey, out var issued) || issued.RefreshAt <= pod.Node.Now)
            {
                issued = await _tokens.RequestAsync(pod.Pod, token);
                _issued[tokenKey] = issued;
            }

            payload.AddToken(token.Path, Encoding.UTF8.GetBytes(issued.Token), pod.Pod);
        }
    }

    private void AddFields(VolumePayload payload, IEnumerable<V1DownwardAPIVolumeFile> items)
    {
        foreach (var item in items)
        {
            var value = item.FieldRef is { } field
                ? FieldReferences.Field(pod.Pod, field.FieldPath, pod.Sandbox?.Ip ?? "", pod.Node.Options.Address)
                : FieldReferences.Resource(pod.Pod, item.ResourceFieldRef, "", pod.Node.MemoryBytes, Environment.ProcessorCount);
            payload.Add(item.Path, Encoding.UTF8.GetBytes(value), item.Mode);
        }
    }
}
