using k8s.Models;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.LeaderElection;

/// <summary>Which Lease, and how fast; the times are client-go's defaults.</summary>
public sealed record LeaderElectionOptions(string Namespace, string Name, string Identity)
{
    /// <summary>How long others wait after the last renewal before they take over. Default 15 s.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the leader tries to renew before it steps down; less than the lease. Default 10 s.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between attempts. Default 2 s.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>At most one of several processes leads, by a Lease object.</summary>
/// <remarks>
/// Clocks are not compared: a lease of somebody else has run out when it was not seen to change for its duration on our own clock.
/// </remarks>
public sealed partial class LeaderElector(KubeClient client, LeaderElectionOptions options, TimeProvider time, ILogger logger)
{
    private string? _seen;
    private DateTimeOffset _seenAt;

    /// <summary>
    /// Waits to become leader, then runs <paramref name="lead"/>; its token is cancelled when the lease is lost. Returns when it has
    /// ended, and gives the lease back if it is still ours, so that the next one need not wait until it runs out.
    /// </summary>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellationToken)
    {
        while (!await TryAcquireAsync(cancellationToken))
        {
            await Task.Delay(options.RetryPeriod, time, cancellationToken);
        }

        Log.Leading(logger, options.Identity, options.Namespace, options.Name);
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var work = lead(leading.Token);
        var renewed = time.GetUtcNow();
        try
        {
            while (!cancellationToken.IsCancellationRequested && !work.IsCompleted && IsFresh())
            {
                await Task.WhenAny(work, Task.Delay(options.RetryPeriod, time, leading.Token));
                if (!cancellationToken.IsCancellationRequested && !work.IsCompleted && await TryAcquireAsync(cancellationToken))
                {
                    renewed = time.GetUtcNow();
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to end in the middle of a renewal: the work has to end all the same, below.
        }

        await leading.CancelAsync();
        try
        {
            await work;
        }
        finally
        {
            Log.Ended(logger, options.Identity, options.Namespace, options.Name);
            if (IsFresh())
            {
                await ReleaseAsync();
            }
        }

        bool IsFresh() => time.GetUtcNow() - renewed < options.RenewDeadline;
    }

    /// <summary>Gives the lease back: nobody holds it. Only after the work has ended.</summary>
    private async Task ReleaseAsync()
    {
        using var limit = new CancellationTokenSource(options.RenewDeadline, time);
        try
        {
            var lease = await client.FindAsync<V1Lease>(options.Namespace, options.Name, limit.Token);
            if (lease?.Spec?.HolderIdentity == options.Identity)
            {
                await client.UpdateAsync(lease with { Spec = lease.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1 } }, limit.Token);
            }
        }
        catch (Exception e) when (e is KubeException or OperationCanceledException)
        {
            // It runs out by itself.
            Log.NotReleased(logger, options.Namespace, options.Name, e.Message);
        }
    }

    /// <summary>Takes or renews the lease; false when somebody else has it, or the API does not answer.</summary>
    internal async Task<bool> TryAcquireAsync(CancellationToken cancellationToken)
    {
        try
        {
            var lease = await client.FindAsync<V1Lease>(options.Namespace, options.Name, cancellationToken);
            var now = time.GetUtcNow();
            if (lease is null)
            {
                await client.CreateAsync(Ours(null, now), cancellationToken);
                return true;
            }

            if (lease.Metadata.ResourceVersion != _seen)
            {
                (_seen, _seenAt) = (lease.Metadata.ResourceVersion, now);
            }

            var holder = lease.Spec?.HolderIdentity;
            var duration = TimeSpan.FromSeconds(lease.Spec?.LeaseDurationSeconds ?? options.LeaseDuration.TotalSeconds);
            if (!string.IsNullOrEmpty(holder) && holder != options.Identity && now - _seenAt < duration)
            {
                return false;
            }

            await client.UpdateAsync(Ours(lease, now), cancellationToken);
            return true;
        }
        catch (KubeException e)
        {
            Log.NotAcquired(logger, options.Namespace, options.Name, e.Message);
            return false;
        }
    }

    private V1Lease Ours(V1Lease? old, DateTimeOffset now)
    {
        var same = old?.Spec?.HolderIdentity == options.Identity;
        return new V1Lease
        {
            ApiVersion = "coordination.k8s.io/v1",
            Kind = "Lease",
            Metadata = old?.Metadata ?? new V1ObjectMeta { NamespaceProperty = options.Namespace, Name = options.Name },
            Spec = new V1LeaseSpec
            {
                HolderIdentity = options.Identity,
                LeaseDurationSeconds = (int)options.LeaseDuration.TotalSeconds,
                AcquireTime = same ? old!.Spec!.AcquireTime : now.UtcDateTime,
                RenewTime = now.UtcDateTime,
                LeaseTransitions = old is null ? 0 : same ? old.Spec?.LeaseTransitions : (old.Spec?.LeaseTransitions ?? 0) + 1,
            },
        };
    }

    private static partial class Log
    {
        [LoggerMessage(1401, LogLevel.Information, "{Identity} leads by lease {Namespace}/{Name}")]
        public static partial void Leading(ILogger logger, string identity, string @namespace, string name);

        [LoggerMessage(1402, LogLevel.Information, "{Identity} no longer leads by lease {Namespace}/{Name}")]
        public static partial void Ended(ILogger logger, string identity, string @namespace, string name);

        [LoggerMessage(1404, LogLevel.Debug, "Lease {Namespace}/{Name} was not given back: {Error}")]
        public static partial void NotReleased(ILogger logger, string @namespace, string name, string error);

        [LoggerMessage(1403, LogLevel.Debug, "Lease {Namespace}/{Name} was not acquired: {Error}")]
        public static partial void NotAcquired(ILogger logger, string @namespace, string name, string error);
    }
}
