using System.Collections.Concurrent;
using System.Net;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Informers;
using Knet.Node.Network;

namespace Knet.Node.ServiceProxy;

/// <summary>
/// The directory fed by informers of Services, Endpoints and EndpointSlices. Endpoints win over slices where both exist: Knative writes
/// Endpoints by hand, and slices are a copy of them.
/// </summary>
/// <remarks>Thread-safe: informers write, DNS and the proxy read. Entries are immutable and swapped whole.</remarks>
public sealed class ServiceDirectory : IServiceDirectory
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, V1Service> _services = [];
    private readonly Dictionary<ObjectKey, V1Endpoints> _endpoints = [];
    private readonly Dictionary<ObjectKey, Dictionary<string, V1EndpointSlice>> _slices = [];
    private readonly ConcurrentDictionary<ObjectKey, ServiceEntry> _entries = new();
    private readonly ConcurrentDictionary<IPAddress, ObjectKey> _byIp = new();
    private readonly ConcurrentDictionary<string, int> _namespaces = new(StringComparer.Ordinal);
    private IInformer[] _informers = [];

    public event Action<ObjectKey>? Changed;

    public IReadOnlyCollection<ServiceEntry> All => [.. _entries.Values];

    /// <summary>Follows the three kinds. Call before the factory starts, or after: nothing is missed.</summary>
    public void Follow(InformerFactory informers)
    {
        var (services, endpoints, slices) = (informers.Get<V1Service>(), informers.Get<V1Endpoints>(), informers.Get<V1EndpointSlice>());
        services.Subscribe(c => SetService(c.Key, c.New));
        endpoints.Subscribe(c => SetEndpoints(c.Key, c.New));
        slices.Subscribe(c => SetSlice(c.Key, c.Old, c.New));
        _informers = [services, endpoints, slices];
    }

    public Task WaitForSyncAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_informers.Select(i => i.WaitForSyncAsync(cancellationToken)));

    public ServiceEntry? Find(string ns, string name) => _entries.GetValueOrDefault(new ObjectKey(ns, name));

    public ServiceEntry? FindByClusterIp(IPAddress address) =>
        _byIp.TryGetValue(address, out var key) ? _entries.GetValueOrDefault(key) : null;

    public bool HasNamespace(string ns) => _namespaces.GetValueOrDefault(ns) > 0;

    /// <param name="key">Namespace and name.</param>
    /// <param name="service">Null when it was deleted.</param>
    public void SetService(ObjectKey key, V1Service? service)
    {
        lock (_lock)
        {
            var had = _services.ContainsKey(key);
            if (service is null)
            {
                _services.Remove(key);
            }
            else
            {
                _services[key] = service;
            }

            if (had != service is not null)
            {
                _namespaces.AddOrUpdate(key.Namespace, 1, (_, n) => service is null ? n - 1 : n + 1);
            }

            Rebuild(key);
        }

        Changed?.Invoke(key);
    }

    /// <param name="key">Namespace and name: the Service's own.</param>
    /// <param name="endpoints">Null when they were deleted.</param>
    public void SetEndpoints(ObjectKey key, V1Endpoints? endpoints)
    {
        lock (_lock)
        {
            if (endpoints is null)
            {
                _endpoints.Remove(key);
            }
            else
            {
                _endpoints[key] = endpoints;
            }

            Rebuild(key);
        }

        Changed?.Invoke(key);
    }

    /// <param name="key">Namespace and name of the slice; a label names its Service.</param>
    /// <param name="old">What it was; null when it is new.</param>
    /// <param name="slice">Null when it was deleted.</param>
    public void SetSlice(ObjectKey key, V1EndpointSlice? old, V1EndpointSlice? slice)
    {
        ObjectKey?[] services = [ServiceOf(key, old), ServiceOf(key, slice)];
        foreach (var service in services.OfType<ObjectKey>().Distinct())
        {
            lock (_lock)
            {
                var slices = _slices.TryGetValue(service, out var known) ? known : _slices[service] = new(StringComparer.Ordinal);
                if (slice is not null && services[1] == service)
                {
                    slices[key.Name] = slice;
                }
                else
                {
                    slices.Remove(key.Name);
                }

                Rebuild(service);
            }

            Changed?.Invoke(service);
        }
    }

    private static ObjectKey? ServiceOf(ObjectKey key, V1EndpointSlice? slice) =>
        slice?.Metadata.Labels is { } labels && labels.TryGetValue("kubernetes.io/service-name", out var name)
            ? new ObjectKey(key.Namespace, name)
            : null;

    private void Rebuild(ObjectKey key)
    {
        if (_entries.TryGetValue(key, out var before) && before.ClusterIp is { } oldIp)
        {
            // Only if the address is still this Service's: it may have been given to another already.
            _byIp.TryRemove(new(oldIp, key));
        }

        if (!_services.TryGetValue(key, out var service))
        {
            _entries.TryRemove(key, out _);
            return;
        }

        var entry = new ServiceEntry(service, Backends(key));
        _entries[key] = entry;
        if (entry.ClusterIp is { } ip)
        {
            _byIp[ip] = key;
        }
    }

    private List<ServiceBackend> Backends(ObjectKey key)
    {
        if (_endpoints.TryGetValue(key, out var endpoints))
        {
            return [.. (endpoints.Subsets ?? []).SelectMany(FromSubset)];
        }

        return _slices.TryGetValue(key, out var slices)
            ? [.. slices.OrderBy(s => s.Key, StringComparer.Ordinal).SelectMany(s => FromSlice(s.Value))]
            : [];
    }

    private static IEnumerable<ServiceBackend> FromSubset(V1EndpointSubset subset)
    {
        var ports = (subset.Ports ?? []).Select(p => new BackendPort(p.Name ?? "", p.Protocol ?? "TCP", p.Port)).ToArray();
        foreach (var endpoint in subset.Addresses ?? [])
        {
            if (Ipv4.TryParse(endpoint.Ip, out var address))
            {
                yield return new(address, endpoint.Hostname, ports);
            }
        }
    }

    private static IEnumerable<ServiceBackend> FromSlice(V1EndpointSlice slice)
    {
        var ports = (slice.Ports ?? []).Where(p => p.Port is not null)
            .Select(p => new BackendPort(p.Name ?? "", p.Protocol ?? "TCP", p.Port!.Value)).ToArray();
        foreach (var endpoint in (slice.Endpoints ?? []).Where(e => e.Conditions?.Ready != false))
        {
            foreach (var text in endpoint.Addresses ?? [])
            {
                if (Ipv4.TryParse(text, out var address))
                {
                    yield return new(address, endpoint.Hostname, ports);
                }
            }
        }
    }
}
