using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;

namespace Knet.Gateway.Tls;

/// <summary>
/// Keeps a valid certificate of a Certificate's hosts in its Secret: issued when there is none, renewed when a third of its life is left,
/// by the authority of the installation or by an ACME server. The old one serves until the new one is there.
/// </summary>
internal sealed class CertificateReconciler : IReconciler<KnCertificate, CertificateStatus>
{
    private static readonly ConditionSet Conditions = new();

    public Plan<CertificateStatus> Reconcile(KnCertificate resource, IView view)
    {
        var config = view.Config<CertificateConfig>();
        if (resource.Metadata.DeletionTimestamp is not null || !IsOurs(resource, config))
        {
            return new Plan<CertificateStatus>(null);
        }

        var before = resource.Status;
        var status = before with
        {
            Conditions = Conditions.Begin(before.Conditions, before.ObservedGeneration, resource.Metadata.Generation),
            Http01Challenges = null,
        };
        var (ns, name) = (resource.Metadata.NamespaceProperty, resource.Spec.SecretName);
        var secret = view.Get<V1Secret>(ns, name);
        var plan = secret is not null && !IsControlledBy(secret, resource)
            ? new Plan<CertificateStatus>(status.MarkFailed("NotOwned", $"There is an existing Secret \"{name}\" that we do not own."))
            : Provide(resource, secret, status, config, view);
        return plan with
        {
            Status = plan.Status! with
            {
                ObservedGeneration = resource.Metadata.Generation,
                Conditions = ConditionSet.Stamp(before.Conditions, plan.Status.Conditions, view.Now),
            },
        };
    }

    private static Plan<CertificateStatus> Provide(
        KnCertificate resource, V1Secret? secret, CertificateStatus status, CertificateConfig config, IView view)
    {
        var hosts = resource.Spec.DnsNames;
        var directory = config.IssuerFor(hosts);
        var issuer = directory.Length == 0 ? HeldCertificate.OwnIssuer : directory;
        var held = HeldCertificate.Read(secret);
        var serves = held?.Serves(hosts, issuer, view.Now) == true;
        status = serves
            ? status.MarkReady(held!.NotAfter)
            : status.MarkNotReady("Issuing", $"Waiting for {(directory.Length == 0 ? "the certificate" : $"ACME server {directory}")}.");
        if (serves && view.Now < held!.RenewAt)
        {
            return new Plan<CertificateStatus>(status) { RequeueAfter = Sooner(held.RenewAt - view.Now) };
        }

        var order = new CertificateOrder(resource.Metadata.Uid, string.Join(',', hosts), directory, serves ? held!.Serial : "");
        return view.Fact<CertificateOrder, IssuedCertificate>(order) switch
        {
            Fact<IssuedCertificate>.Known known => new Plan<CertificateStatus>(status)
            {
                Steps = [PlanStep.Apply(SecretFor(resource, known.Value, issuer))],
            },
            Fact<IssuedCertificate>.Failed failed when !serves => new Plan<CertificateStatus>(status.MarkFailed("IssuingFailed", failed.Message)),
            _ => new Plan<CertificateStatus>(status),
        };
    }

    // Clocks jump and timers have an end: looking once a day costs nothing.
    private static TimeSpan Sooner(TimeSpan wait) => wait < TimeSpan.FromDays(1) ? wait : TimeSpan.FromDays(1);

    private static V1Secret SecretFor(KnCertificate owner, IssuedCertificate issued, string issuer) => new()
    {
        ApiVersion = "v1",
        Kind = "Secret",
        Metadata = new V1ObjectMeta
        {
            Name = owner.Spec.SecretName,
            NamespaceProperty = owner.Metadata.NamespaceProperty,
            Labels = new Dictionary<string, string> { [NetworkingKeys.CertificateUid] = owner.Metadata.Uid },
            Annotations = new Dictionary<string, string> { [HeldCertificate.IssuerKey] = issuer },
            OwnerReferences =
            [
                new V1OwnerReference
                {
                    ApiVersion = owner.ApiVersion, Kind = owner.Kind, Name = owner.Metadata.Name, Uid = owner.Metadata.Uid, Controller = true,
                },
            ],
        },
        Type = "kubernetes.io/tls",
        Data = new Dictionary<string, byte[]>
        {
            ["tls.crt"] = Encoding.UTF8.GetBytes(issued.Certificate), ["tls.key"] = Encoding.UTF8.GetBytes(issued.PrivateKey),
        },
    };

    private static bool IsControlledBy(V1Secret secret, KnCertificate owner) =>
        secret.Metadata.OwnerReferences?.Any(r => r.Controller == true && r.Uid == owner.Metadata.Uid) == true;

    private static bool IsOurs(KnCertificate certificate, CertificateConfig config)
    {
        var annotations = certificate.Metadata.Annotations;
        return annotations is null ||
            !(annotations.TryGetValue(NetworkingKeys.CertificateClass, out var given) ||
                annotations.TryGetValue(NetworkingKeys.CertificateClassAlt, out given)) ||
            given == NetworkingKeys.KnetCertificateClass || given == config.CertificateClass;
    }
}
