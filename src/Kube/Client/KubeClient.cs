using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Kube.Client;

/// <summary>Typed calls on a transport. Every method throws <see cref="KubeException"/> when the API refuses.</summary>
/// <param name="transport">The way to the API, as one identity.</param>
/// <param name="fieldManager">The name under which fields are owned (managedFields), such as <c>knet-controller</c>.</param>
public sealed class KubeClient(IKubeTransport transport, string fieldManager)
{
    public IKubeTransport Transport { get; } = transport;
    public string FieldManager { get; } = fieldManager;

    public async Task<T> GetAsync<T>(string ns, string name, CancellationToken cancellationToken) where T : class =>
        (await SendAsync(new KubeRequest(KubeVerb.Get, ResourceType.Of<T>()) { Namespace = ns, Name = name }, cancellationToken)).As<T>();

    /// <summary>The object, or null when it does not exist.</summary>
    public async Task<T?> FindAsync<T>(string ns, string name, CancellationToken cancellationToken) where T : class
    {
        try
        {
            return await GetAsync<T>(ns, name, cancellationToken);
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>All objects of a namespace, or of all namespaces when it is empty.</summary>
    public async Task<IReadOnlyList<T>> ListAsync<T>(string ns, CancellationToken cancellationToken, string? labelSelector = null)
        where T : class
    {
        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<T>()) { Namespace = ns, LabelSelector = labelSelector };
        var page = await Transport.ListAsync(request, cancellationToken);
        return [.. page.Items.Select(d => d.As<T>())];
    }

    public async Task<T> CreateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await SendAsync(Write(KubeVerb.Create, value) with { Name = "" }, cancellationToken)).As<T>();

    /// <summary>Replaces the object; a conflict (409) when its resource version is set and not the newest.</summary>
    public async Task<T> UpdateAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await SendAsync(Write(KubeVerb.Update, value), cancellationToken)).As<T>();

    /// <summary>Replaces the object's status and nothing else.</summary>
    public async Task<T> UpdateStatusAsync<T>(T value, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await SendAsync(Write(KubeVerb.Update, value) with { Subresource = "status" }, cancellationToken)).As<T>();

    /// <summary>Server-side apply, taking over fields of other managers.</summary>
    public async Task<T> ApplyAsync<T>(T value, CancellationToken cancellationToken) where T : class, IKubernetesObject<V1ObjectMeta> =>
        (await SendAsync(Write(KubeVerb.Patch, value) with { Patch = PatchKind.Apply, Force = true }, cancellationToken)).As<T>();

    public async Task<T> PatchAsync<T>(
        string ns, string name, PatchKind kind, ReadOnlyMemory<byte> patch, CancellationToken cancellationToken, string subresource = "")
        where T : class
    {
        var request = new KubeRequest(KubeVerb.Patch, ResourceType.Of<T>())
        {
            Namespace = ns, Name = name, Patch = kind, Body = patch, Subresource = subresource, FieldManager = FieldManager,
        };
        return (await SendAsync(request, cancellationToken)).As<T>();
    }

    public Task DeleteAsync<T>(string ns, string name, CancellationToken cancellationToken, V1DeleteOptions? options = null)
        where T : class =>
        SendAsync(
            new KubeRequest(KubeVerb.Delete, ResourceType.Of<T>()) { Namespace = ns, Name = name, DeleteOptions = options },
            cancellationToken);

    private KubeRequest Write<T>(KubeVerb verb, T value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        new(verb, ResourceType.Of<T>())
        {
            Namespace = value.Metadata.NamespaceProperty ?? "",
            Name = value.Metadata.Name ?? "",
            Body = KubeJson.Serialize(value),
            FieldManager = FieldManager,
        };

    private async Task<KubeDocument> SendAsync(KubeRequest request, CancellationToken cancellationToken) =>
        (await Transport.SendAsync(request, cancellationToken)).Document;
}
