using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>
/// The way to the API server of this process, as one user: the same checks, errors and events as over HTTP, without bytes in between.
/// </summary>
public sealed class InProcessTransport(IRegistry registry, KubeUser user) : IKubeTransport
{
    public KubeUser User { get; } = user;

    public Task<KubeResult> SendAsync(KubeRequest request, CancellationToken cancellationToken) =>
        registry.SendAsync(request, User, cancellationToken);

    public Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken) =>
        registry.ListAsync(request, User, cancellationToken);

    public IAsyncEnumerable<KubeWatchEvent> WatchAsync(KubeRequest request, CancellationToken cancellationToken) =>
        registry.WatchAsync(request, User, cancellationToken);
}
