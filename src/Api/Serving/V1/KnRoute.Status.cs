using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;

namespace Knet.Api.Serving.V1;

public sealed partial record RouteStatus
{
    public const string AllTrafficAssigned = "AllTrafficAssigned";
    public const string IngressReady = "IngressReady";
    public const string CertificateProvisioned = "CertificateProvisioned";

    internal static readonly ConditionSet Set = new(AllTrafficAssigned, IngressReady, CertificateProvisioned);

    public RouteStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public RouteStatus End(RouteStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    public RouteStatus TrafficAssigned() => this with { Conditions = Set.MarkTrue(Conditions, AllTrafficAssigned) };

    public RouteStatus TrafficUnknown(string reason, string message) =>
        this with { Conditions = Set.MarkUnknown(Conditions, AllTrafficAssigned, reason, message) };

    public RouteStatus TrafficFailed(string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, AllTrafficAssigned, reason, message) };

    public RouteStatus TlsNotEnabled(string message) =>
        this with { Conditions = Set.MarkTrue(Conditions, CertificateProvisioned, "TLSNotEnabled", message) };

    public RouteStatus CertificateReady() => this with { Conditions = Set.MarkTrue(Conditions, CertificateProvisioned) };

    /// <param name="reason">Of the Certificate's own condition.</param>
    public RouteStatus CertificateNotReady(string name, string? reason) => this with
    {
        Conditions = Set.MarkUnknown(
            Conditions, CertificateProvisioned, "CertificateNotReady", $"Certificate {name} is not ready: {reason}"),
    };

    /// <inheritdoc cref="CertificateNotReady"/>
    public RouteStatus CertificateFailed(string name, string? reason) => this with
    {
        Conditions = Set.MarkFalse(
            Conditions, CertificateProvisioned, "CertificateProvisionFailed", $"Certificate {name} fails to be provisioned: {reason}"),
    };

    public RouteStatus CertificateNotOwned(string name) => this with
    {
        Conditions = Set.MarkFalse(
            Conditions, CertificateProvisioned, "CertificateNotOwned", $"There is an existing certificate {name} that we don't own."),
    };

    /// <summary>Plain HTTP serves until the certificate is there.</summary>
    public RouteStatus HttpDowngrade(string name) => this with
    {
        Conditions = Set.MarkTrue(
            Conditions, CertificateProvisioned, "HTTPDowngrade", $"Certificate {name} is not ready downgrade HTTP."),
    };

    public RouteStatus IngressNotConfigured() =>
        this with
        {
            Conditions = Set.MarkUnknown(Conditions, IngressReady, "IngressNotConfigured", "Ingress has not yet been reconciled."),
        };

    public RouteStatus RolloutInProgress() =>
        this with
        {
            Conditions = Set.MarkUnknown(
                Conditions, IngressReady, "RolloutInProgress", "A gradual rollout of the latest revision(s) is in progress."),
        };

    /// <param name="kind"><c>Service</c> or <c>Endpoint</c>.</param>
    public RouteStatus PlaceholderNotOwned(string kind, string name) =>
        IngressFailed("NotOwned", $"There is an existing placeholder {kind} \"{name}\" that we do not own.");

    public RouteStatus IngressFailed(string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, IngressReady, reason, message) };

    /// <summary>Takes over what the data plane reports.</summary>
    public RouteStatus Propagate(IngressStatus from)
    {
        var ready = ConditionSet.Find(from.Conditions, ConditionSet.Ready);
        return ready is null ? IngressNotConfigured() : this with { Conditions = Set.Copy(Conditions, IngressReady, ready) };
    }
}
