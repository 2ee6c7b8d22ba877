using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;

namespace Knet.Api.Serving.V1Beta1;

/// <summary>A domain of one's own, the object's name, that leads to a Service of this namespace.</summary>
[CustomResource(
    "serving.knative.dev", "v1beta1", "DomainMapping", "domainmappings", ShortNames = ["dm"], Categories = ["all", "knative", "serving"])]
[PrinterColumn("URL", ".status.url")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnDomainMapping : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "serving.knative.dev/v1beta1";
    public string Kind { get; set; } = "DomainMapping";
    public V1ObjectMeta Metadata { get; set; } = new();
    public DomainMappingSpec Spec { get; init => field = value ?? new(); } = new();
    public DomainMappingStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>What the domain leads to.</summary>
public sealed record DomainMappingSpec
{
    /// <summary>A Knative Service or Route, or a Kubernetes Service, of the same namespace.</summary>
    public KReference Ref { get; init => field = value ?? new(); } = new();

    /// <summary>A certificate that the user brings.</summary>
    public SecretTls? Tls { get; init; }
}

/// <summary>A Secret of type <c>kubernetes.io/tls</c> of the same namespace.</summary>
public sealed record SecretTls
{
    public string? SecretName { get; init; }
}

/// <summary>Where the domain answers.</summary>
public sealed partial record DomainMappingStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? Url { get; init; }
    public Addressable? Address { get; init; }
}
