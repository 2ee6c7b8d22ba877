using Knet.Gateway.Tls.Acme;
using Knet.Kube.Config;
using Knet.Kube.Facts;
using Microsoft.Extensions.Logging;

namespace Knet.Gateway.Tls;

/// <summary>A certificate to be made.</summary>
/// <param name="Uid">Of the Certificate.</param>
/// <param name="Hosts">Separated by commas.</param>
/// <param name="Directory">The ACME server's, or empty for the authority of the installation.</param>
/// <param name="Renews">The serial number of the one that it is to follow; empty for the first.</param>
public sealed record CertificateOrder(string Uid, string Hosts, string Directory, string Renews);

/// <summary>How patient orders are; every limit with the reason of its default.</summary>
public sealed record CertificateOrdersOptions
{
    /// <summary>The pause after a failure; it doubles. Public ACME servers allow five failures an hour for each host.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan LongestWait { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long one order may take; servers ask within seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Fulfils orders: what our own authority signs is there at once, an ACME server is asked in the background and again after a failure,
/// as long as somebody waits. An order is fulfilled once, however often it is asked.
/// </summary>
internal sealed partial class CertificateOrders(
    ICertificateAuthority authority, IAcmeIssuer acme, IConfigSource config, TimeProvider time, ILogger<CertificateOrders> logger,
    CertificateOrdersOptions? options = null)
    : FollowedFacts<CertificateOrder, IssuedCertificate>(
        (options ?? new CertificateOrdersOptions()).FirstWait, (options ?? new CertificateOrdersOptions()).LongestWait, time)
{
    private readonly TimeSpan _timeout = (options ?? new CertificateOrdersOptions()).Timeout;

    protected override Fact<IssuedCertificate>? AtOnce(CertificateOrder query) => query.Directory.Length == 0
        ? new Fact<IssuedCertificate>.Known(authority.Issue(query.Hosts.Split(',')))
        : null;

    protected override async Task<Fact<IssuedCertificate>> FindAsync(CertificateOrder query, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(_timeout, Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            return new Fact<IssuedCertificate>.Known(
                await acme.IssueAsync(config.Get<CertificateConfig>(), query.Hosts.Split(','), both.Token));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return new Fact<IssuedCertificate>.Failed(
                $"{query.Directory} did not issue a certificate of {query.Hosts} within {_timeout.TotalMinutes:0.#} minutes");
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // The outer edge of this loop: whatever it was, the order is placed again.
            Log.Failed(logger, query.Hosts, query.Directory, e.Message);
            return new Fact<IssuedCertificate>.Failed(e.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4301, LogLevel.Warning, "No certificate of {Hosts} from {Directory}: {Reason}")]
        public static partial void Failed(ILogger logger, string hosts, string directory, string reason);
    }
}
