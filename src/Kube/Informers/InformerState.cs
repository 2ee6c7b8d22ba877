using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Kube.Informers;

/// <summary>Where an informer is between knowing nothing and following every change.</summary>
public abstract record InformerState
{
    private InformerState()
    {
    }

    /// <summary>Nothing is known, or what is known is too old (410): begin again. The old contents stay readable meanwhile.</summary>
    public sealed record Empty : InformerState;

    /// <summary>Listing page by page.</summary>
    public sealed record InitPage(Dictionary<ObjectKey, KubeDocument> Found, string? Continue) : InformerState;

    /// <summary>A watch that begins with the present objects; its bookmark has not come yet.</summary>
    public sealed record InitialWatch(Dictionary<ObjectKey, KubeDocument> Found, IAsyncEnumerator<KubeWatchEvent> Stream) : InformerState;

    /// <summary>Complete at a version, not watching (yet, or for the moment).</summary>
    public sealed record InitListed(string ResourceVersion) : InformerState;

    /// <summary>Following changes; complete up to the version.</summary>
    public sealed record Watching(IAsyncEnumerator<KubeWatchEvent> Stream, string ResourceVersion) : InformerState;
}
