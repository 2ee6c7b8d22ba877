using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Networking.V1Alpha1;

/// <summary>Says which namespace may use a domain, the object's name.</summary>
[CustomResource(
    "networking.internal.knative.dev", "v1alpha1", "ClusterDomainClaim", "clusterdomainclaims", Namespaced = false,
    ShortNames = ["cdc"], Categories = ["knative-internal", "networking"])]
public sealed record KnClusterDomainClaim : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "networking.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "ClusterDomainClaim";
    public V1ObjectMeta Metadata { get; set; } = new();
    public ClusterDomainClaimSpec Spec { get; init => field = value ?? new(); } = new();
}

/// <summary>Who owns the domain.</summary>
public sealed record ClusterDomainClaimSpec
{
    /// <summary>The namespace whose DomainMappings may use it.</summary>
    public string? Namespace { get; init; }
}
