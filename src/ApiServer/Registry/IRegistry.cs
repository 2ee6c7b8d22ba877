using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>
/// The API itself, free of HTTP: authorisation, admission, storage and every verb, for a user. The HTTP front and the in-process
/// transport both end here, so that they cannot differ.
/// </summary>
public interface IRegistry
{
    /// <summary>What is served now; a new instance after each change of a CRD.</summary>
    KindCatalog Kinds { get; }

    /// <inheritdoc cref="IKubeTransport.SendAsync"/>
    Task<KubeResult> SendAsync(KubeRequest request, KubeUser user, CancellationToken cancellationToken);

    /// <inheritdoc cref="IKubeTransport.ListAsync"/>
    Task<KubeListPage> ListAsync(KubeRequest request, KubeUser user, CancellationToken cancellationToken);

    /// <inheritdoc cref="IKubeTransport.WatchAsync"/>
    IAsyncEnumerable<KubeWatchEvent> WatchAsync(KubeRequest request, KubeUser user, CancellationToken cancellationToken);
}
