using System.Collections.Concurrent;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.RequestLogs;
using Knet.DataPlane.Stats;

namespace Knet.DataPlane.Activation;

/// <summary>
/// All Revisions that requests can meet, and the entry of the control plane to them. Pods and Revisions may be told in any order.
/// </summary>
public sealed class RevisionStates : IRevisionStats
{
    private readonly ConcurrentDictionary<(string Namespace, string Name), RevisionState> _revisions = new();
    private readonly ConcurrentDictionary<string, (RevisionState Revision, InstanceState Instance)> _byAddress =
        new(StringComparer.Ordinal);
    private readonly ColdStarts _coldStarts;

    /// <param name="dialer">Opens the connections to instances.</param>
    public RevisionStates(IInstanceDialer dialer, DataPlaneOptions options, ColdStarts coldStarts, TimeProvider time)
    {
        Options = options;
        Time = time;
        Clients = new InstanceClients(dialer, options);
        _coldStarts = coldStarts;
    }

    public event Action<string, string>? Starved;

    /// <summary>Whose requests are logged.</summary>
    public RequestLogBook RequestLogs { get; } = new();

    internal DataPlaneOptions Options { get; }
    internal TimeProvider Time { get; }
    internal InstanceClients Clients { get; }
    internal ColdStarts ColdStarts => _coldStarts;

    /// <summary>The state of a Revision; made when it is first spoken of.</summary>
    public RevisionState GetOrAdd(string ns, string name) =>
        _revisions.TryGetValue((ns, name), out var known)
            ? known
            : _revisions.GetOrAdd((ns, name), static (key, self) => new RevisionState(self, key.Namespace, key.Name), this);

    public RevisionState? Find(string ns, string name) => _revisions.GetValueOrDefault((ns, name));

    /// <summary>What the Revision's spec says of its traffic.</summary>
    public void Configure(string ns, string name, RevisionSettings settings) => GetOrAdd(ns, name).Configure(settings);

    /// <summary>The Revision was deleted: requests that wait for it are sent away.</summary>
    public void Remove(string ns, string name)
    {
        if (_revisions.TryRemove((ns, name), out var revision))
        {
            revision.Remove();
        }
    }

    /// <summary>A pod of a Revision changed.</summary>
    /// <param name="pod">The pod's name.</param>
    /// <param name="address">Its IP address; may be empty unless it is ready.</param>
    public void SetInstance(string ns, string revision, string pod, string address, InstancePhase phase)
    {
        // Only a ready pod speaks for a Revision not heard of before: the last pods of a deleted one must not bring it back.
        var state = phase == InstancePhase.Ready ? GetOrAdd(ns, revision) : Find(ns, revision);
        state?.SetInstance(pod, address, phase);
    }

    /// <summary>The instance with this IP address, ready once and not yet gone.</summary>
    public bool TryFindInstance(string address, out RevisionState revision, out InstanceState instance)
    {
        var found = _byAddress.TryGetValue(address, out var known);
        (revision, instance) = known;
        return found;
    }

    /// <summary>Gives an instance no new requests, and waits until it has finished those it has. An unknown one is idle.</summary>
    public Task WaitIdleAsync(string address, CancellationToken cancellationToken) =>
        TryFindInstance(address, out _, out var instance) ? instance.CloseAsync().WaitAsync(cancellationToken) : Task.CompletedTask;

    public void Collect(ICollection<RevisionSample> into)
    {
        foreach (var ((ns, name), revision) in _revisions)
        {
            var (concurrency, arrivals) = revision.Traffic.Collect(out _);
            if (concurrency > 0 || arrivals > 0)
            {
                into.Add(new RevisionSample(ns, name, concurrency, arrivals));
            }
        }
    }

    internal void RaiseStarved(RevisionState revision)
    {
        _coldStarts.Mark(revision.Namespace, revision.Name, ColdStartPhase.Queued);
        Starved?.Invoke(revision.Namespace, revision.Name);
    }

    internal void Index(RevisionState revision, InstanceState instance) => _byAddress[instance.Address] = (revision, instance);

    internal void Unindex(InstanceState instance)
    {
        // The address may belong to a younger pod by now.
        if (_byAddress.TryGetValue(instance.Address, out var known) && ReferenceEquals(known.Instance, instance))
        {
            _byAddress.TryRemove(new KeyValuePair<string, (RevisionState, InstanceState)>(instance.Address, known));
        }
    }
}
