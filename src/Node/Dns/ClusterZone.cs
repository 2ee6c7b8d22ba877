using System.Globalization;
using System.Net;
using k8s.Models;
using Knet.Node.ServiceProxy;

namespace Knet.Node.Dns;

/// <summary>
/// The names that this machine answers for itself: Services and pods after Kubernetes' DNS specification 1.1.0, the machine, the
/// gateway's domains, and reverse names of our ranges. Pure over the directory.
/// </summary>
internal sealed class ClusterZone(DnsOptions options, IServiceDirectory directory)
{
    private const string HostZone = "knet.internal";
    private const string ReverseZone = "in-addr.arpa";
    private int _turn;

    private string Cluster => options.ClusterDomain;

    /// <summary>The answer, or null when the name is somebody else's.</summary>
    public DnsAnswer? Answer(string name, DnsType type)
    {
        if (DnsName.IsUnder(name, Cluster))
        {
            return InCluster(name, type);
        }

        if (DnsName.IsUnder(name, HostZone))
        {
            return name is "host.knet.internal" or "registry.knet.internal"
                ? Addresses(name, type, HostZone, [options.HostAddress])
                : Missing(HostZone);
        }

        if (name != "localhost" && options.Gateway(name) is { } gateway)
        {
            return Addresses(name, type, name, [gateway]);
        }

        if (DnsName.IsUnder(name, "localhost"))
        {
            return Addresses(name, type, "localhost", [type == DnsType.Aaaa ? IPAddress.IPv6Loopback : IPAddress.Loopback]);
        }

        return DnsName.IsUnder(name, ReverseZone) ? Reverse(name, type) : null;
    }

    private DnsAnswer InCluster(string name, DnsType type)
    {
        if (name.Length == Cluster.Length)
        {
            return type switch
            {
                DnsType.Soa => Found(DnsRecord.Authority(Cluster, options.TtlSeconds)),
                DnsType.Ns => Found(DnsRecord.NameServer(name, options.TtlSeconds, $"ns.dns.{Cluster}")),
                _ => Empty(Cluster),
            };
        }

        var labels = name[..^(Cluster.Length + 1)].Split('.');
        return labels switch
        {
            ["svc"] or ["pod"] => Empty(Cluster),
            ["ns", "dns"] => Addresses(name, type, Cluster, [options.HostAddress]),
            ["dns-version"] when type is DnsType.Txt or DnsType.Any => Found(DnsRecord.Text(name, options.TtlSeconds, "1.1.0")),
            ["dns-version"] => Empty(Cluster),
            [var ns, "svc"] => directory.HasNamespace(ns) ? Empty(Cluster) : Missing(Cluster),
            [.. var rest, var service, var ns, "svc"] => directory.Find(ns, service) is { } entry
                ? OfService(name, type, entry, rest)
                : Missing(Cluster),
            [var ip, _, "pod"] when TryDashed(ip) is { } address => Addresses(name, type, Cluster, [address]),
            _ => Missing(Cluster),
        };
    }

    private DnsAnswer OfService(string name, DnsType type, ServiceEntry entry, string[] rest)
    {
        if (entry.Service.Spec?.Type == "ExternalName")
        {
            var target = entry.Service.Spec.ExternalName?.TrimEnd('.').ToLowerInvariant() ?? "";
            return rest.Length > 0 || !IsName(target)
                ? Missing(Cluster)
                : Found(DnsRecord.Alias(name, options.TtlSeconds, target)) with
                {
                    Alias = type is DnsType.Cname or DnsType.Any ? null : target,
                };
        }

        return rest switch
        {
            [] => type == DnsType.Srv ? Ports(name, entry, null, null) : ServiceAddresses(name, type, entry),
            [['_', ..] protocol] => entry.Service.Spec?.Ports?.Any(p => SameProtocol(p.Protocol, protocol)) == true
                ? Empty(Cluster)
                : Missing(Cluster),
            [['_', .. var port], ['_', ..] protocol] => type == DnsType.Srv
                ? Ports(name, entry, port, protocol)
                : HasPort(entry, port, protocol) ? ServiceAddresses(name, type, entry) : Missing(Cluster),
            [var host] => Host(name, type, entry, host),
            _ => Missing(Cluster),
        };
    }

    private DnsAnswer ServiceAddresses(string name, DnsType type, ServiceEntry entry) => entry switch
    {
        { ClusterIp: { } address } => Addresses(name, type, Cluster, [address]),
        { Backends.Count: 0 } => Missing(Cluster),
        _ => Addresses(name, type, Cluster, Turned([.. entry.Backends.Select(b => b.Address).Distinct()])),
    };

    private DnsAnswer Host(string name, DnsType type, ServiceEntry entry, string host)
    {
        var addresses = entry.Backends.Where(b => HostName(b) == host).Select(b => b.Address).Distinct().ToArray();
        return entry.IsHeadless && addresses.Length > 0 ? Addresses(name, type, Cluster, addresses) : Missing(Cluster);
    }

    // For a Service with an address its ports at its name; for a headless one the ports of each endpoint at the endpoint's name.
    private DnsAnswer Ports(string name, ServiceEntry entry, string? port, string? protocol)
    {
        var service = $"{entry.Key.Name}.{entry.Key.Namespace}.svc.{Cluster}";
        var targets = entry.IsHeadless
            ? entry.Backends.SelectMany(b => b.Ports
                .Where(p => (port is null || p.Name == port) && (protocol is null || SameProtocol(p.Protocol, protocol)))
                .Select(p => (p.Port, Target: $"{HostName(b)}.{service}")))
            : (entry.Service.Spec?.Ports ?? []).Where(p => Matches(p, port, protocol)).Select(p => (p.Port, Target: service));
        var found = targets.Distinct().ToArray();
        return found.Length == 0
            ? Missing(Cluster)
            : Found([.. found.Select(t => DnsRecord.Service(name, options.TtlSeconds, Math.Max(1, 100 / found.Length), t.Port, t.Target))]);
    }

    private DnsAnswer? Reverse(string name, DnsType type)
    {
        var parts = name[..^ReverseZone.Length].TrimEnd('.').Split('.').Reverse().ToArray();
        if (parts.Length != 4 || !Network.Ipv4.TryParse(string.Join('.', parts), out var address)
            || !options.OwnRanges.Any(r => r.Contains(address)))
        {
            return null;
        }

        var target = address.Equals(options.HostAddress) ? "host.knet.internal" : NameOf(address);
        return target is null ? Missing(name)
            : type is DnsType.Ptr or DnsType.Any ? Found(DnsRecord.Pointer(name, options.TtlSeconds, target)) : Empty(name);
    }

    private string? NameOf(IPAddress address)
    {
        if (directory.FindByClusterIp(address) is { } service)
        {
            return $"{service.Key.Name}.{service.Key.Namespace}.svc.{Cluster}";
        }

        var headless = directory.All.Where(e => e.IsHeadless).OrderBy(e => e.Key.ToString(), StringComparer.Ordinal);
        return headless.SelectMany(e => e.Backends.Where(b => b.Address.Equals(address))
            .Select(b => $"{HostName(b)}.{e.Key.Name}.{e.Key.Namespace}.svc.{Cluster}")).FirstOrDefault();
    }

    private static bool HasPort(ServiceEntry entry, string port, string protocol) =>
        entry.Service.Spec?.Ports?.Any(p => Matches(p, port, protocol)) == true;

    private static bool Matches(V1ServicePort known, string? port, string? protocol) =>
        (port is null || known.Name == port) && (protocol is null || SameProtocol(known.Protocol, protocol));

    private static bool SameProtocol(string? known, string label) =>
        string.Equals(known ?? "TCP", label.TrimStart('_'), StringComparison.OrdinalIgnoreCase);

    private static string HostName(ServiceBackend backend) => backend.Hostname ?? backend.Address.ToString().Replace('.', '-');

    private static IPAddress? TryDashed(string label)
    {
        var parts = label.Split('-');
        return parts.Length == 4 && parts.All(p => byte.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? IPAddress.Parse(string.Join('.', parts.Select(p => byte.Parse(p, CultureInfo.InvariantCulture))))
            : null;
    }

    private static bool IsName(string name) => name.Length is > 0 and < 254 && name.Split('.').All(l => l.Length is > 0 and < 64);

    private static DnsAnswer Empty(string zone) => new(DnsCode.NoError, zone);

    private static DnsAnswer Missing(string zone) => new(DnsCode.NameError, zone);

    private DnsAnswer Found(params DnsRecord[] records) => new(DnsCode.NoError, Cluster) { Records = records };

    private DnsAnswer Addresses(string name, DnsType type, string zone, IReadOnlyList<IPAddress> addresses)
    {
        var records = addresses.Select(a => DnsRecord.Address(name, options.TtlSeconds, a))
            .Where(r => type == DnsType.Any || r.Type == type);
        return new(DnsCode.NoError, zone) { Records = [.. records] };
    }

    // Each client begins with another endpoint.
    private IPAddress[] Turned(IPAddress[] addresses)
    {
        var first = (int)((uint)Interlocked.Increment(ref _turn) % (uint)addresses.Length);
        return [.. addresses[first..], .. addresses[..first]];
    }
}
