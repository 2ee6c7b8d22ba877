using System.Security.Cryptography;
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
    : IFactSource<CertificateOrder, IssuedCertificate>, IDisposable
{
    private readonly CertificateOrdersOptions _options = options ?? new CertificateOrdersOptions();
    private readonly Lock _gate = new();
    private readonly Dictionary<CertificateOrder, Entry> _entries = [];

    public Fact<IssuedCertificate> Ask(CertificateOrder query, Action wake)
    {
        Entry entry;
        lock (_gate)
        {
            if (_entries.TryGetValue(query, out var known))
            {
                known.Wakes.Add(wake);
                return known.State;
            }

            _entries[query] = entry = new Entry();
            entry.Wakes.Add(wake);
            if (query.Directory.Length == 0)
            {
                return entry.State = new Fact<IssuedCertificate>.Known(authority.Issue(query.Hosts.Split(',')));
            }
        }

        _ = FollowAsync(query, entry);
        return Fact<IssuedCertificate>.Pending.Instance;
    }

    public void Forget(CertificateOrder query)
    {
        Entry? entry;
        lock (_gate)
        {
            _entries.Remove(query, out entry);
        }

        entry?.Stop.Cancel();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var entry in _entries.Values)
            {
                entry.Stop.Cancel();
            }

            _entries.Clear();
        }
    }

    private async Task FollowAsync(CertificateOrder query, Entry entry)
    {
        await Task.Yield();
        var wait = _options.FirstWait;
        while (!entry.Stop.IsCancellationRequested)
        {
            var answer = await TryAsync(query, entry.Stop.Token);
            Action[] wakes;
            lock (_gate)
            {
                entry.State = answer;
                wakes = [.. entry.Wakes];
            }

            Array.ForEach(wakes, wake => wake());
            if (answer is Fact<IssuedCertificate>.Known)
            {
                return;
            }

            await Task.Delay(wait, time, entry.Stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            wait = wait * 2 < _options.LongestWait ? wait * 2 : _options.LongestWait;
        }
    }

    private async Task<Fact<IssuedCertificate>> TryAsync(CertificateOrder query, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(_options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            return new Fact<IssuedCertificate>.Known(
                await acme.IssueAsync(config.Get<CertificateConfig>(), query.Hosts.Split(','), both.Token));
        }
        catch (OperationCanceledException)
        {
            return new Fact<IssuedCertificate>.Failed(
                $"{query.Directory} did not issue a certificate of {query.Hosts} within {_options.Timeout.TotalMinutes:0.#} minutes");
        }
        catch (Exception e) when (e is AcmeException or HttpRequestException or IOException or CryptographicException
            or System.Text.Json.JsonException or Knet.Kube.Client.KubeException)
        {
            Log.Failed(logger, query.Hosts, query.Directory, e.Message);
            return new Fact<IssuedCertificate>.Failed(e.Message);
        }
    }

    private sealed class Entry
    {
        public Fact<IssuedCertificate> State { get; set; } = Fact<IssuedCertificate>.Pending.Instance;
        public HashSet<Action> Wakes { get; } = [];
        public CancellationTokenSource Stop { get; } = new();
    }

    private static partial class Log
    {
        [LoggerMessage(4301, LogLevel.Warning, "No certificate of {Hosts} from {Directory}: {Reason}")]
        public static partial void Failed(ILogger logger, string hosts, string directory, string reason);
    }
}
