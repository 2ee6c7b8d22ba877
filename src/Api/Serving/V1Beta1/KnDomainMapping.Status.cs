using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;

namespace Knet.Api.Serving.V1Beta1;

public sealed partial record DomainMappingStatus
{
    public const string DomainClaimed = "DomainClaimed";
    public const string ReferenceResolved = "ReferenceResolved";
    public const string IngressReady = "IngressReady";
    public const string CertificateProvisioned = "CertificateProvisioned";

    internal static readonly ConditionSet Set = new(DomainClaimed, ReferenceResolved, IngressReady, CertificateProvisioned);

    public DomainMappingStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public DomainMappingStatus End(DomainMappingStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    public DomainMappingStatus Claimed() => this with { Conditions = Set.MarkTrue(Conditions, DomainClaimed) };

    public DomainMappingStatus ClaimNotOwned() => Failed(
        DomainClaimed, "DomainAlreadyClaimed", "The domain name is already in use by another DomainMapping");

    public DomainMappingStatus ClaimFailed(string why) => Failed(DomainClaimed, "DomainClaimFailed", why);

    public DomainMappingStatus Resolved() => this with { Conditions = Set.MarkTrue(Conditions, ReferenceResolved) };

    public DomainMappingStatus NotResolved(string why) => Failed(ReferenceResolved, "ResolveFailed", why);

    public DomainMappingStatus CertificateProvided() => this with
    {
        Conditions = Set.MarkTrue(
            Conditions, CertificateProvisioned, "CertificateExternallyProvided", "TLS certificate was provided externally"),
    };

    public DomainMappingStatus TlsNotEnabled() => this with
    {
        Conditions = Set.MarkTrue(Conditions, CertificateProvisioned, "TLSNotEnabled", "external-domain-tls is not enabled"),
    };

    public DomainMappingStatus CertificateReady() => this with { Conditions = Set.MarkTrue(Conditions, CertificateProvisioned) };

    /// <inheritdoc cref="V1.RouteStatus.CertificateNotReady"/>
    public DomainMappingStatus CertificateNotReady(string name, string? reason) => this with
    {
        Conditions = Set.MarkUnknown(
            Conditions, CertificateProvisioned, "CertificateNotReady", $"Certificate {name} is not ready: {reason}"),
    };

    /// <inheritdoc cref="V1.RouteStatus.CertificateNotReady"/>
    public DomainMappingStatus CertificateFailed(string name, string? reason) => Failed(
        CertificateProvisioned, "CertificateProvisionFailed", $"Certificate {name} fails to be provisioned: {reason}");

    public DomainMappingStatus CertificateNotOwned(string name) => Failed(
        CertificateProvisioned, "CertificateNotOwned", $"There is an existing certificate {name} that we don't own.");

    /// <inheritdoc cref="V1.RouteStatus.HttpDowngrade"/>
    public DomainMappingStatus HttpDowngrade(string name) => this with
    {
        Conditions = Set.MarkTrue(
            Conditions, CertificateProvisioned, "HTTPDowngrade", $"Certificate {name} is not ready downgrade HTTP."),
    };

    public DomainMappingStatus IngressNotConfigured() => this with
    {
        Conditions = Set.MarkUnknown(Conditions, IngressReady, "IngressNotConfigured", "Ingress has not yet been reconciled."),
    };

    public DomainMappingStatus IngressFailed(string reason, string message) => Failed(IngressReady, reason, message);

    /// <inheritdoc cref="V1.RouteStatus.Propagate"/>
    public DomainMappingStatus Propagate(IngressStatus from)
    {
        var ready = ConditionSet.Find(from.Conditions, ConditionSet.Ready);
        return ready is null ? IngressNotConfigured() : this with { Conditions = Set.Copy(Conditions, IngressReady, ready) };
    }

    private DomainMappingStatus Failed(string condition, string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, condition, reason, message) };
}
