using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Networking.V1Alpha1;

/// <summary>The Services of a Revision, which lead to its pods or to the activator.</summary>
[CustomResource(
    "networking.internal.knative.dev", "v1alpha1", "ServerlessService", "serverlessservices",
    ShortNames = ["sks"], Categories = ["knative-internal", "networking"])]
[PrinterColumn("Mode", ".spec.mode")]
[PrinterColumn("Activators", ".spec.numActivators", Type = "integer")]
[PrinterColumn("ServiceName", ".status.serviceName")]
[PrinterColumn("PrivateServiceName", ".status.privateServiceName")]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnServerlessService : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "networking.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "ServerlessService";
    public V1ObjectMeta Metadata { get; set; } = new();
    public ServerlessServiceSpec Spec { get; init => field = value ?? new(); } = new();
    public ServerlessServiceStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>Whether traffic goes to the pods or to the activator.</summary>
public sealed record ServerlessServiceSpec
{
    /// <summary><c>Serve</c> or <c>Proxy</c>.</summary>
    public string? Mode { get; init; }

    public V1ObjectReference? ObjectRef { get; init; }

    /// <summary><c>http1</c> or <c>h2c</c>.</summary>
    public string? ProtocolType { get; init; }

    public int? NumActivators { get; init; }
}

/// <summary>The Services made.</summary>
public sealed record ServerlessServiceStatus
{
    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }
    public string? ServiceName { get; init; }
    public string? PrivateServiceName { get; init; }
}
