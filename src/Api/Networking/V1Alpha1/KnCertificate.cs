using k8s;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Networking.V1Alpha1;

/// <summary>A wish for a certificate of some hosts; who fulfils it puts it into a Secret of type <c>kubernetes.io/tls</c>.</summary>
[CustomResource(
    "networking.internal.knative.dev", "v1alpha1", "Certificate", "certificates",
    ShortNames = ["kcert"], Categories = ["knative-internal", "networking"])]
[PrinterColumn("Ready", ".status.conditions[?(@.type=='Ready')].status")]
[PrinterColumn("Reason", ".status.conditions[?(@.type=='Ready')].reason")]
public sealed partial record KnCertificate : IKubernetesObject<V1ObjectMeta>
{
    public string ApiVersion { get; set; } = "networking.internal.knative.dev/v1alpha1";
    public string Kind { get; set; } = "Certificate";
    public V1ObjectMeta Metadata { get; set; } = new();
    public CertificateSpec Spec { get; init => field = value ?? new(); } = new();
    public CertificateStatus Status { get; init => field = value ?? new(); } = new();
}

/// <summary>Which hosts, and where the certificate goes.</summary>
public sealed record CertificateSpec
{
    /// <summary>The hosts; the first may begin with <c>*.</c>.</summary>
    public List<string> DnsNames { get; init => field = value ?? []; } = [];

    /// <summary>The domain that all of them belong to.</summary>
    public string? Domain { get; init; }

    /// <summary>The Secret, in the same namespace.</summary>
    public string SecretName { get; init => field = value ?? ""; } = "";
}

/// <summary>Condition Ready: the Secret holds a certificate of all hosts that is valid.</summary>
public sealed partial record CertificateStatus
{
    private static readonly ConditionSet Set = new();

    public long? ObservedGeneration { get; init; }
    public List<KnCondition>? Conditions { get; init; }
    public Dictionary<string, string>? Annotations { get; init; }

    /// <summary>When the certificate expires; it is renewed before.</summary>
    public DateTime? NotAfter { get; init; }

    /// <summary>Paths to be opened for an issuer's questions; empty when the data plane answers by itself.</summary>
    public List<Http01Challenge>? Http01Challenges { get; init; }

    public CertificateStatus MarkReady(DateTime notAfter) =>
        this with { NotAfter = notAfter, Conditions = Set.MarkTrue(Conditions, ConditionSet.Ready) };

    public CertificateStatus MarkNotReady(string reason, string message) =>
        this with { Conditions = Set.MarkUnknown(Conditions, ConditionSet.Ready, reason, message) };

    public CertificateStatus MarkFailed(string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, ConditionSet.Ready, reason, message) };
}

/// <summary>A question of an issuer that has to reach a Service.</summary>
public sealed record Http01Challenge
{
    public string? Url { get; init; }
    public string? ServiceName { get; init; }
    public string? ServiceNamespace { get; init; }
    public IntOrString? ServicePort { get; init; }
}
