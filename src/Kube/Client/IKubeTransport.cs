namespace Knet.Kube.Client;

/// <summary>
/// The way to a Kubernetes API, as one identity: over HTTP, or by calls into the API server of this process. Both have the same
/// semantics: the same authorisation, admission, errors and order of events.
/// </summary>
public interface IKubeTransport
{
    /// <summary>Get, create, update, patch, delete, delete a collection, and subresources of these.</summary>
    /// <exception cref="KubeException">The API refused.</exception>
    Task<KubeResult> SendAsync(KubeRequest request, CancellationToken cancellationToken);

    /// <exception cref="KubeException">The API refused; <see cref="KubeException.IsExpired"/> for a continue token that is too
    /// old.</exception>
    Task<KubeListPage> ListAsync(KubeRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Events after <see cref="KubeRequest.ResourceVersion"/>, in order, none missing, until cancelled or until the server ends the
    /// stream (an ordinary end: watch again from the last version seen).
    /// </summary>
    /// <exception cref="KubeException">The API refused, at once or in the stream; <see cref="KubeException.IsExpired"/>: list
    /// again.</exception>
    IAsyncEnumerable<KubeWatchEvent> WatchAsync(KubeRequest request, CancellationToken cancellationToken);
}
