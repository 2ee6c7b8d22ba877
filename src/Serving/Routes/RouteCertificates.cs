using System.Globalization;
using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>
/// The certificates of a Route's hosts (serving.md 15): one for each of its names outside with <c>external-domain-tls</c>, one for each
/// name inside the cluster with <c>cluster-local-domain-tls</c>.
/// </summary>
internal sealed class RouteCertificates(KnRoute route, IView view, NetworkConfig network, RouteHosts hosts)
{
    private readonly HashSet<string> _wanted = new(StringComparer.Ordinal);
    private readonly List<IngressTls> _tls = [];
    private (int Severity, Func<RouteStatus, RouteStatus> Mark)? _worst;

    public List<PlanStep> Steps { get; } = [];

    /// <summary>The hosts that answer under https.</summary>
    public HashSet<string> Secured { get; } = new(StringComparer.Ordinal);

    /// <summary>Those for the Ingress; null when there are none.</summary>
    public List<IngressTls>? Tls => _tls.Count == 0 ? null : _tls;

    /// <summary>Whether a host outside has one, so that plain HTTP can be redirected.</summary>
    public bool HasExternal { get; private set; }

    /// <param name="names">Empty for the Route itself, else tags.</param>
    /// <param name="localNames">Those that answer inside the cluster only.</param>
    public RouteStatus Decide(RouteStatus status, IReadOnlyCollection<string> names, IReadOnlySet<string> localNames)
    {
        if (network.ExternalDomainTls && !CertificateSettings.IsDisabled(route.Metadata))
        {
            foreach (var name in names.Where(n => !localNames.Contains(n)))
            {
                External(name);
            }

            DeleteOrphans(NetworkingKeys.ExternalDomain);
        }

        if (network.ClusterLocalDomainTls)
        {
            foreach (var name in names)
            {
                Local(name);
            }

            DeleteOrphans(NetworkingKeys.ClusterLocalDomain);
        }

        return _worst is { } worst ? worst.Mark(status) : status;
    }

    private void External(string tag)
    {
        var host = hosts.HostOf(tag, isLocal: false);
        var domain = host[(host.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var wanted = Make(NameOf(tag), [host], domain, NetworkingKeys.ExternalDomain);
        if (IsReady(wanted))
        {
            HasExternal = true;
        }
        else if (network.HttpProtocol == "enabled")
        {
            Note(1, s => s.HttpDowngrade(wanted.Metadata.Name));
        }
        else
        {
            Secured.Add(host);
        }
    }

    private void Local(string tag)
    {
        var names = hosts.LocalHostsOf(tag);
        names.Sort(StringComparer.Ordinal);
        IsReady(Make(NameOf(tag) + "-local", names, $"svc.{DomainConfig.ClusterDomain}", NetworkingKeys.ClusterLocalDomain));
    }

    private bool IsReady(KnCertificate wanted)
    {
        var name = wanted.Metadata.Name;
        _wanted.Add(name);
        var existing = view.Get<KnCertificate>(wanted.Metadata.NamespaceProperty, name);
        if (existing is not null && !existing.Metadata.IsControlledBy(route.Metadata))
        {
            Note(4, s => s.CertificateNotOwned(name));
            return false;
        }

        if (existing is null || CertificateSettings.IsOutdated(existing, wanted))
        {
            Steps.Add(PlanStep.Ensure(wanted));
        }

        var ready = ConditionSet.Find(existing?.Status.Conditions, ConditionSet.Ready);
        if (existing is null || existing.Status.ObservedGeneration != existing.Metadata.Generation || ready?.Status != ConditionSet.True)
        {
            Note(
                ready?.Status == ConditionSet.False && network.HttpProtocol != "enabled" ? 3 : 0,
                ready?.Status == ConditionSet.False
                    ? s => s.CertificateFailed(name, ready.Reason)
                    : s => s.CertificateNotReady(name, ready?.Reason));
            return false;
        }

        Note(-1, s => s.CertificateReady());
        Secured.UnionWith(existing.Spec.DnsNames);
        _tls.Add(new IngressTls
        {
            Hosts = [.. existing.Spec.DnsNames], SecretName = existing.Spec.SecretName, SecretNamespace = existing.Metadata.NamespaceProperty,
        });
        return true;
    }

    // All speak of one condition: the worst has the word.
    private void Note(int severity, Func<RouteStatus, RouteStatus> mark)
    {
        if (_worst is null || severity > _worst.Value.Severity)
        {
            _worst = (severity, mark);
        }
    }

    private KnCertificate Make(string name, List<string> dnsNames, string domain, string type) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = route.Metadata.NamespaceProperty,
            OwnerReferences = [Ownership.By(route)],
            Annotations = Maps.Keep(route.Metadata.Annotations, key => key is not (ServingKeys.LastApplied or NetworkingKeys.CertificateClassAlt))
                .With(NetworkingKeys.CertificateClass, CertificateSettings.ClassOf(route.Metadata, network)),
            Labels = new Dictionary<string, string>
            {
                [ServingKeys.Route] = route.Metadata.Name, [NetworkingKeys.CertificateType] = type,
            },
        },
        Spec = new CertificateSpec { DnsNames = dnsNames, Domain = domain, SecretName = name },
    };

    private void DeleteOrphans(string type)
    {
        foreach (var certificate in view.Labelled<KnCertificate>(route.Metadata.NamespaceProperty, ServingKeys.Route, route.Metadata.Name))
        {
            if (!_wanted.Contains(certificate.Metadata.Name) && certificate.Metadata.IsControlledBy(route.Metadata) &&
                certificate.Metadata.Labels.Find(NetworkingKeys.CertificateType) == type)
            {
                Steps.Add(PlanStep.Delete(certificate));
            }
        }
    }

    private string NameOf(string tag)
    {
        var name = $"route-{route.Metadata.Uid}";
        return tag.Length == 0 ? name : $"{name}-{Adler32(tag).ToString(CultureInfo.InvariantCulture)}";
    }

    // Upstream's digest of tags, so that names agree.
    private static uint Adler32(string text)
    {
        var (low, high) = (1u, 0u);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            low = (low + value) % 65521;
            high = (high + low) % 65521;
        }

        return (high << 16) | low;
    }
}
