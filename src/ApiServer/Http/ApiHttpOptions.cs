using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>How the HTTP front behaves.</summary>
public sealed record ApiHttpOptions
{
    /// <summary>Largest request body in bytes. Default: 3 MiB, as in Kubernetes.</summary>
    public int MaxBodyBytes { get; init; } = 3 * 1024 * 1024;

    /// <summary>Watches open at once over HTTP; more are refused (429, try again). Default 10,000.</summary>
    public int WatchesMax { get; init; } = 10_000;

    /// <summary>
    /// How long a watch without <c>timeoutSeconds</c> lasts at least; up to twice that. Default: an hour. Kubernetes' is half of it, but some
    /// programs (upstream's tests among them) do not bear the end of a watch.
    /// </summary>
    public TimeSpan MinWatchTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What <c>/readyz</c> says. Default: always ready.</summary>
    public Func<bool> IsReady { get; init; } = () => true;

    /// <summary>More paths, such as <c>/metrics</c>: exact path and handler, called after authorisation of the path for the verb.</summary>
    public IReadOnlyDictionary<string, RequestDelegate> ExtraPaths { get; init; } = new Dictionary<string, RequestDelegate>();

    /// <summary>What <c>/version</c> says.</summary>
    public string GitVersion { get; init; } = "v1.35.0+knet";
}
