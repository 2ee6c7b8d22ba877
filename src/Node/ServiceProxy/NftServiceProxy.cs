using System.Net;
using System.Threading.Channels;
using Knet.Api.Meta;
using Knet.Node.Network;
using Microsoft.Extensions.Logging;

namespace Knet.Node.ServiceProxy;

/// <summary>
/// Makes Services reachable under their cluster addresses, from pods and from the host, by keeping nftables as the directory says.
/// Changes that come while nft runs go together into the next program.
/// </summary>
public sealed partial class NftServiceProxy(
    NetworkOptions options, IServiceDirectory directory, TimeProvider time, ILogger<NftServiceProxy> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly Dictionary<ObjectKey, IReadOnlyList<ServiceRule>> _inForce = [];
    private readonly HashSet<ObjectKey> _dirty = [];
    private readonly Channel<bool> _wake =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private HashSet<IPAddress> _hairpin = [];

    /// <summary>Waits for the directory's first list, writes the whole table, then follows changes until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        directory.Changed += Mark;
        try
        {
            await directory.WaitForSyncAsync(cancellationToken);
            var complete = false;
            while (true)
            {
                try
                {
                    complete = complete ? await ChangeAsync(cancellationToken) : await ReplaceAsync(cancellationToken);
                    await _wake.Reader.ReadAsync(cancellationToken);
                }
                catch (NetworkException e)
                {
                    // Whatever the table holds now, the next program replaces all of it.
                    complete = false;
                    Log.Failed(logger, e);
                    await Task.Delay(RetryDelay, time, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The rules stay in force: connections go on while the daemon restarts.
        }
        finally
        {
            directory.Changed -= Mark;
        }
    }

    private void Mark(ObjectKey key)
    {
        lock (_dirty)
        {
            _dirty.Add(key);
        }

        _wake.Writer.TryWrite(true);
    }

    private ObjectKey[] TakeDirty()
    {
        lock (_dirty)
        {
            var keys = _dirty.ToArray();
            _dirty.Clear();
            return keys;
        }
    }

    private async Task<bool> ReplaceAsync(CancellationToken cancellationToken)
    {
        TakeDirty();
        _inForce.Clear();
        foreach (var entry in directory.All)
        {
            Put(entry.Key, ServiceRule.Of(entry));
        }

        var rules = Unique(_inForce.Values.SelectMany(r => r));
        _hairpin = [.. ServiceProgram.Addresses(options, rules)];
        await Nft.RunAsync(ServiceProgram.Full(options, rules), cancellationToken);
        Log.Replaced(logger, rules.Count);
        return true;
    }

    private async Task<bool> ChangeAsync(CancellationToken cancellationToken)
    {
        var before = Unique(_inForce.Values.SelectMany(r => r)).ToDictionary(r => r.Chain, StringComparer.Ordinal);
        foreach (var key in TakeDirty())
        {
            Put(key, directory.Find(key.Namespace, key.Name) is { } entry ? ServiceRule.Of(entry) : []);
        }

        var rules = Unique(_inForce.Values.SelectMany(r => r));
        var after = rules.ToDictionary(r => r.Chain, StringComparer.Ordinal);
        var removed = before.Values.Where(r => !after.TryGetValue(r.Chain, out var now) || !now.Same(r)).ToArray();
        var added = rules.Where(r => !before.TryGetValue(r.Chain, out var old) || !old.Same(r)).ToArray();
        var hairpin = ServiceProgram.Addresses(options, rules).ToHashSet();
        var program = ServiceProgram.Change(options, removed, added, [.. _hairpin.Except(hairpin)], [.. hairpin.Except(_hairpin)]);
        if (program.Length > 0)
        {
            await Nft.RunAsync(program, cancellationToken);
        }

        _hairpin = hairpin;
        return true;
    }

    // Two Services may claim one address for a moment, while an address is given on: the first by name wins, both times alike.
    private static List<ServiceRule> Unique(IEnumerable<ServiceRule> rules) =>
        [.. rules.OrderBy(r => r.Name, StringComparer.Ordinal).DistinctBy(r => r.Chain, StringComparer.Ordinal)];

    private void Put(ObjectKey key, IReadOnlyList<ServiceRule> rules)
    {
        if (rules.Count == 0)
        {
            _inForce.Remove(key);
        }
        else
        {
            _inForce[key] = rules;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3516, LogLevel.Warning, "The rules of Services could not be changed; all will be written again")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(3517, LogLevel.Debug, "Rules of {Count} Service ports written")]
        public static partial void Replaced(ILogger logger, int count);
    }
}
