using System.Net.Http;
using Knet.DataPlane.Breaker;
using Knet.DataPlane.LoadBalancing;
using Knet.DataPlane.Stats;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.DataPlane.Activation;

/// <summary>
/// A Revision as requests see it: its instances, who waits for one, and its traffic. Keyed by identity; outlives every routing change, so
/// that a request which waits for an instance is not lost when routes change around it.
/// </summary>
/// <remarks>Hot: entering and leaving take no lock and allocate nothing unless somebody has to wait.</remarks>
public sealed class RevisionState : IAdmitter
{
    private static readonly RevisionSettings Unset = new();

    private readonly RevisionStates _owner;
    private readonly WaitQueue _queue;
    private readonly Dictionary<string, InstanceState> _instances = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Address, InstancePhase Phase)> _known = new(StringComparer.Ordinal);
    private InstanceState[] _ready = [];
    private RevisionSettings _settings = Unset;
    private int _turn;
    private bool _gone;

    internal RevisionState(RevisionStates owner, string ns, string name)
    {
        _owner = owner;
        Namespace = ns;
        Name = name;
        _queue = new WaitQueue(owner.Options.QueueDepthMax, this);
        Traffic = new TrafficCounter(owner.Time);
        RequestConfig = Unset.ToRequestConfig();
    }

    public string Namespace { get; }
    public string Name { get; }
    public RevisionSettings Settings => Volatile.Read(ref _settings);

    /// <summary>Requests that wait for a place.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Instances that take requests.</summary>
    public int ReadyCount => Volatile.Read(ref _ready).Length;

    /// <summary>The Revision was deleted; one of the same name has another state.</summary>
    public bool IsGone => Volatile.Read(ref _gone);

    internal TrafficCounter Traffic { get; }
    internal ForwarderRequestConfig RequestConfig { get; private set; }

    /// <summary>A place in an instance at once, or null when one has to wait.</summary>
    public InstanceState? TryEnter() =>
        _queue.Count != 0 ? null : LoadBalancer.Enter(Volatile.Read(ref _ready), _settings.ContainerConcurrency, ref _turn, _owner.Time);

    /// <summary>Waits for a place. Without any instance, the first who waits raises <see cref="IRevisionStats.Starved"/>.</summary>
    public ValueTask<Admission> EnterAsync(CancellationToken aborted, CancellationToken expired)
    {
        var task = _queue.WaitAsync(null, 0, out var first, aborted, expired);
        if (first && Volatile.Read(ref _ready).Length == 0)
        {
            _owner.RaiseStarved(this);
        }

        if (IsGone)
        {
            _queue.Dismiss(AdmissionResult.Gone);
        }

        return task;
    }

    /// <summary>Waits for a place in this instance and no other: requests that address a pod directly.</summary>
    public ValueTask<Admission> EnterAsync(InstanceState pinned, CancellationToken aborted, CancellationToken expired)
    {
        var limit = _settings.ContainerConcurrency;
        if (pinned.IsClosed)
        {
            // Whoever still comes to a pod that is going is answered as long as it is there.
            pinned.EnterClosed();
            return new(new Admission(AdmissionResult.Entered, pinned));
        }

        return _queue.Count == 0 && pinned.TryEnter(limit)
            ? new(new Admission(AdmissionResult.Entered, pinned))
            : _queue.WaitAsync(pinned, Math.Max(1, limit * _owner.Options.PodQueueFactor), out _, aborted, expired);
    }

    /// <summary>Gives a place back and lets the next in.</summary>
    public void Leave(InstanceState instance)
    {
        instance.Leave();
        _queue.Pump();
    }

    InstanceState? IAdmitter.TryAdmit(InstanceState? pinned)
    {
        var limit = _settings.ContainerConcurrency;
        if (pinned is null)
        {
            return LoadBalancer.Enter(Volatile.Read(ref _ready), limit, ref _turn, _owner.Time);
        }

        if (pinned.IsClosed)
        {
            pinned.EnterClosed();
            return pinned;
        }

        return pinned.TryEnter(limit) ? pinned : null;
    }

    internal void Configure(RevisionSettings settings)
    {
        lock (_instances)
        {
            if (_settings == settings && !ReferenceEquals(_settings, Unset))
            {
                return;
            }

            RequestConfig = settings.ToRequestConfig();
            Volatile.Write(ref _settings, settings);
            foreach (var (pod, (address, phase)) in _known.ToArray())
            {
                Place(pod, address, phase);
            }
        }

        _queue.Pump();
    }

    /// <summary>Notes what became of a pod; wakes all waiting requests that fit when it became ready.</summary>
    internal void SetInstance(string pod, string address, InstancePhase phase)
    {
        lock (_instances)
        {
            if (phase == InstancePhase.Gone)
            {
                _known.Remove(pod);
            }
            else
            {
                _known[pod] = (address, phase);
            }

            // Until the Revision has been seen, its port is unknown: Configure places what waits in _known.
            if (!ReferenceEquals(_settings, Unset))
            {
                Place(pod, address, phase);
            }
        }

        _queue.Pump();
        if (_queue.Count > 0 && Volatile.Read(ref _ready).Length == 0)
        {
            // The last instance went while requests were waiting.
            _owner.RaiseStarved(this);
        }
    }

    internal void Remove()
    {
        Volatile.Write(ref _gone, true);
        lock (_instances)
        {
            foreach (var pod in _instances.Keys.ToArray())
            {
                Place(pod, "", InstancePhase.Gone);
            }

            _known.Clear();
        }

        _queue.Dismiss(AdmissionResult.Gone);
    }

    private void Place(string pod, string address, InstancePhase phase)
    {
        _instances.TryGetValue(pod, out var instance);
        var replace = instance is null || instance.IsClosed || instance.Address != address;
        if (phase == InstancePhase.Ready && replace)
        {
            Retire(instance);
            instance = new InstanceState(pod, address, _settings.Port, _owner.Clients.Create(address, _settings.Port));
            _instances[pod] = instance;
            _owner.Index(this, instance);
        }
        else if (phase == InstancePhase.Draining)
        {
            _ = instance?.CloseAsync();
        }
        else if (phase == InstancePhase.Gone && _instances.Remove(pod, out var gone))
        {
            Retire(gone);
        }

        Volatile.Write(ref _ready, [.. _instances.Values
            .Where(i => !i.IsClosed && _known.TryGetValue(i.Pod, out var known) && known.Phase == InstancePhase.Ready)
            .OrderBy(i => i.Address, StringComparer.Ordinal)]);
    }

    private void Retire(InstanceState? instance)
    {
        if (instance is not null)
        {
            _owner.Unindex(instance);
            _ = DisposeWhenIdleAsync(instance);
        }
    }

    // The connections of an instance live in the pod's network namespace: they must not outlive the pod's last request.
    private static async Task DisposeWhenIdleAsync(InstanceState instance)
    {
        await instance.CloseAsync();
        instance.Client.Dispose();
    }
}
