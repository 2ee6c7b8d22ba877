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

    private readonly HashSet<ObjectKey> _dirty = [];
    private readonly Channel<bool> _wake =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private RuleTable _table = new(options);

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
        _table = new RuleTable(options);
        foreach (var entry in directory.All)
        {
            _table.Put(entry.Key, ServiceRule.Of(entry));
        }

        var rules = _table.Take().Added;
        await Nft.RunAsync(ServiceProgram.Full(options, rules), cancellationToken);
        Log.Replaced(logger, rules.Count);
        return true;
    }

    private async Task<bool> ChangeAsync(CancellationToken cancellationToken)
    {
        foreach (var key in TakeDirty())
        {
            _table.Put(key, directory.Find(key.Namespace, key.Name) is { } entry ? ServiceRule.Of(entry) : []);
        }

        var program = ServiceProgram.Change(options, _table.Take());
        if (program.Length > 0)
        {
            await Nft.RunAsync(program, cancellationToken);
        }

        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(3516, LogLevel.Warning, "The rules of Services could not be changed; all will be written again")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(3517, LogLevel.Debug, "Rules of {Count} Service ports written")]
        public static partial void Replaced(ILogger logger, int count);
    }
}
