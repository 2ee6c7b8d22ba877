using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Gateway.Model;
using Knet.Kube.Config;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;

namespace Knet.Gateway.Embedded;

/// <summary>What the gateway reads of <c>config-network</c>.</summary>
/// <param name="IngressClass">
/// The class that Ingresses get by default; when the installation names another than knet's, it is ours as well.
/// </param>
public sealed record GatewayConfig(string IngressClass)
{
    public static ConfigKind<GatewayConfig> Kind { get; } = new("config-network", static data => new GatewayConfig(
        data.TryGetValue("ingress-class", out var name) || data.TryGetValue("ingress.class", out name)
            ? name
            : NetworkingKeys.KnetIngressClass));
}

/// <summary>Puts KIngresses of the gateway's class in force, and says so.</summary>
internal sealed class IngressReconciler(GatewayOptions options) : IReconciler<KnIngress, IngressStatus>
{
    private const string NetworkConfigured = "NetworkConfigured";
    private const string LoadBalancerReady = "LoadBalancerReady";
    private static readonly ConditionSet Conditions = new(NetworkConfigured, LoadBalancerReady);

    public Plan<IngressStatus> Reconcile(KnIngress resource, IView view)
    {
        if (resource.Metadata.DeletionTimestamp is not null || !IsOurs(resource, view))
        {
            return new Plan<IngressStatus>(null);
        }

        var services = new ServiceResolver(view, options.InternalDomain);
        var secrets = new SecretResolver(view);
        var rules = IngressModel.Build(resource, services.Resolve) with { Certificates = secrets.Resolve(resource) };
        var inForce = (view.Fact<IngressRules, RulesInForce>(rules) as Fact<RulesInForce>.Known)?.Value;

        var status = resource.Status;
        var conditions = Conditions.Begin(status.Conditions, status.ObservedGeneration, resource.Metadata.Generation);
        if (inForce is null || services.Missing.Count > 0)
        {
            conditions = Conditions.MarkUnknown(
                conditions, NetworkConfigured, "ServiceMissing", $"Waiting for Service {string.Join(", ", services.Missing)} to exist.");
        }
        else if (secrets.Problems.Count > 0)
        {
            conditions = Conditions.MarkUnknown(conditions, NetworkConfigured, "SecretMissing", string.Join(" ", secrets.Problems));
        }
        else if (inForce.Problems.Length > 0)
        {
            conditions = Conditions.MarkFalse(conditions, NetworkConfigured, "CertificateInvalid", string.Join(" ", inForce.Problems));
        }
        else
        {
            conditions = Conditions.MarkTrue(conditions, NetworkConfigured);
            conditions = Conditions.MarkTrue(conditions, LoadBalancerReady);
        }

        var balancer = new LoadBalancerStatus { Ingress = [new LoadBalancerIngress { DomainInternal = options.InternalDomain }] };
        return new Plan<IngressStatus>(status with
        {
            ObservedGeneration = resource.Metadata.Generation,
            Conditions = ConditionSet.Stamp(status.Conditions, conditions, view.Now),
            PublicLoadBalancer = balancer,
            PrivateLoadBalancer = balancer,
        });
    }

    private static bool IsOurs(KnIngress ingress, IView view)
    {
        var annotations = ingress.Metadata.Annotations;
        var name = annotations is null ? null
            : annotations.TryGetValue(NetworkingKeys.IngressClass, out var given) ||
                annotations.TryGetValue(NetworkingKeys.IngressClassAlt, out given)
                ? given
                : null;
        return name == NetworkingKeys.KnetIngressClass || (name is not null && name == view.Config<GatewayConfig>().IngressClass);
    }
}
