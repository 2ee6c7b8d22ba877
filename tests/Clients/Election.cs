using System.Net;
using k8s;
using k8s.Autorest;
using k8s.LeaderElection;
using k8s.LeaderElection.ResourceLock;

namespace Knet.Tests.Clients;

/// <summary>
/// Candidates for one Lease, with the package's own elector: the leader renews, steps down after its term, and the other takes over.
/// Two leaders at once are counted as the failure they would be.
/// </summary>
internal sealed class Election(IKubernetes client, string ns, Counters counters, TimeProvider time)
{
    private static readonly TimeSpan Term = TimeSpan.FromMinutes(2);
    private int _leaders;

    /// <summary>Stands for election again and again.</summary>
    public async Task RunAsync(string identity, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await StandAsync(identity, stop);
            }
            catch (OperationCanceledException)
            {
                // The term or the program has ended.
            }
            catch (Exception e) when (e is IOException or HttpRequestException or HttpOperationException)
            {
                counters.Fail($"election of {identity}", e);
            }

            await Task.Delay(TimeSpan.FromSeconds(20), time, CancellationToken.None);
        }
    }

    private async Task StandAsync(string identity, CancellationToken stop)
    {
        using var term = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var elector = new LeaderElector(new LeaderElectionConfig(new Counting(new LeaseLock(client, ns, "leader", identity), counters))
        {
            LeaseDuration = TimeSpan.FromSeconds(15), RenewDeadline = TimeSpan.FromSeconds(10), RetryPeriod = TimeSpan.FromSeconds(2),
        });
        var leading = false;
        elector.OnStartedLeading += () =>
        {
            leading = true;
            Interlocked.Increment(ref counters.Terms);
            if (Interlocked.Increment(ref _leaders) > 1)
            {
                Interlocked.Increment(ref counters.TwoLeaders);
            }

            term.CancelAfter(Term);
        };
        elector.OnError += e =>
        {
            // Losing a race for the Lease (409) is how an election works.
            if (e is not (OperationCanceledException or HttpOperationException { Response.StatusCode: HttpStatusCode.Conflict }))
            {
                counters.Fail($"election of {identity}", e);
            }
        };
        try
        {
            await elector.RunUntilLeadershipLostAsync(term.Token);
        }
        finally
        {
            if (leading)
            {
                Interlocked.Decrement(ref _leaders);
            }
        }
    }

    /// <summary>The package's lock, with its writes counted.</summary>
    private sealed class Counting(ILock inner, Counters counters) : ILock
    {
        public string Identity => inner.Identity;

        public Task<LeaderElectionRecord> GetAsync(CancellationToken cancellationToken = default) => inner.GetAsync(cancellationToken);

        public Task<bool> CreateAsync(LeaderElectionRecord record, CancellationToken cancellationToken = default) =>
            inner.CreateAsync(record, cancellationToken);

        public async Task<bool> UpdateAsync(LeaderElectionRecord record, CancellationToken cancellationToken = default)
        {
            var done = await inner.UpdateAsync(record, cancellationToken);
            if (done)
            {
                Interlocked.Increment(ref counters.Renewals);
            }

            return done;
        }

        public string Describe() => inner.Describe();
    }
}
