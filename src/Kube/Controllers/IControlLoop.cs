using Knet.Kube.Informers;

namespace Knet.Kube.Controllers;

/// <summary>Something that works on objects for as long as its host runs: a controller, or a loop that is no reconciler.</summary>
public interface IControlLoop : IAsyncDisposable
{
    /// <summary>
    /// Asks for the informers of every kind it reads; called first, so that their lists are complete at <see cref="Start"/>.
    /// </summary>
    void Declare(InformerFactory informers);

    /// <summary>Begins to work, in the background; it ends when disposed.</summary>
    void Start();
}
