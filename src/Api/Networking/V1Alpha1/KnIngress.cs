using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Networking.V1Alpha1;

/// <summary>The data plane's contract: which hosts and paths lead to which Services, in which shares.</summary>
[CustomResource(
    "networking.internal.knative.dev", "v1alpha1", "Ingress", "ingresses",
    ShortNames = ["kingress", "king"], Categories = ["knative-internal", "networking"])]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnIngress : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "networking.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "Ingress";
    public V1ObjectMeta Metadata { get; set; } = new();
    public IngressSpec Spec { get; init => field = value ?? new(); } = new();
    public IngressStatus Status { get; init => field = value ?? new(); } = new();
}

// The order of the members is Go's order upstream: the hash of headers/probe is taken over the JSON (serving.md 9.6).

/// <summary>TLS, rules and what is done with plain HTTP.</summary>
public sealed record IngressSpec
{
    public List<IngressTls>? Tls { get; init; }
    public List<IngressRule>? Rules { get; init; }

    /// <summary><c>Enabled</c> or <c>Redirected</c>.</summary>
    public string? HttpOption { get; init; }
}

public sealed record IngressTls
{
    public List<string>? Hosts { get; init; }
    public string? SecretName { get; init; }
    public string? SecretNamespace { get; init; }
}

public sealed record IngressRule
{
    public List<string>? Hosts { get; init; }

    /// <summary><c>ExternalIP</c> (default) or <c>ClusterLocal</c>.</summary>
    public string? Visibility { get; init; }

    public HttpIngressRuleValue? Http { get; init; }
}

public sealed record HttpIngressRuleValue
{
    public List<HttpIngressPath> Paths { get; init => field = value ?? []; } = [];
}

public sealed record HttpIngressPath
{
    /// <summary>A prefix; empty matches every path.</summary>
    public string? Path { get; init; }

    public string? RewriteHost { get; init; }
    public SortedDictionary<string, HeaderMatch>? Headers { get; init; }
    public List<IngressBackendSplit> Splits { get; init => field = value ?? []; } = [];

    /// <summary>Headers set (not added) on the forwarded request.</summary>
    public SortedDictionary<string, string>? AppendHeaders { get; init; }
}

public sealed record HeaderMatch
{
    public string Exact { get; init => field = value ?? ""; } = "";
}

public sealed record IngressBackendSplit
{
    public string ServiceNamespace { get; init => field = value ?? ""; } = "";
    public string ServiceName { get; init => field = value ?? ""; } = "";
    public IntOrString ServicePort { get; init => field = value ?? 80; } = 80;

    /// <summary>0..100; a lone split without a percent takes all.</summary>
    public int? Percent { get; init; }

    public SortedDictionary<string, string>? AppendHeaders { get; init; }
}

/// <summary>Conditions NetworkConfigured, LoadBalancerReady, Ready; True only when the rules are in force.</summary>
public sealed record IngressStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public LoadBalancerStatus? PublicLoadBalancer { get; init; }
    public LoadBalancerStatus? PrivateLoadBalancer { get; init; }
}

public sealed record LoadBalancerStatus
{
    public List<LoadBalancerIngress>? Ingress { get; init; }
}

public sealed record LoadBalancerIngress
{
    public string? Ip { get; init; }
    public string? Domain { get; init; }
    public string? DomainInternal { get; init; }
    public bool? MeshOnly { get; init; }
}
