using Knet.DataPlane;

namespace Knet.Gateway;

/// <summary>How the embedded gateway stands in its cluster.</summary>
public sealed record GatewayOptions
{
    public string ClusterDomain { get; init; } = "cluster.local";
    public string SystemNamespace { get; init; } = "knative-serving";

    /// <summary>The Service that leads pods to the gateway, in the system namespace.</summary>
    public string ServiceName { get; init; } = "knet-gateway";

    public DataPlaneOptions DataPlane { get; init; } = new();

    /// <summary>The gateway's name for pods, as Ingress statuses tell it.</summary>
    public string InternalDomain => $"{ServiceName}.{SystemNamespace}.svc.{ClusterDomain}";
}
