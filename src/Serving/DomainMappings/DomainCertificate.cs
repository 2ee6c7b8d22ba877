using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1Beta1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;
using Knet.Serving.Routes;

namespace Knet.Serving.DomainMappings;

/// <summary>How a DomainMapping answers https: by a Secret that it names, or by a Certificate made for it (serving.md 15).</summary>
/// <param name="Secret">The Secret that the Ingress shows; null while there is none.</param>
/// <param name="IsHttps">Whether its URL is https: also while the certificate is made, unless plain HTTP serves meanwhile.</param>
/// <param name="Step">What is to be written.</param>
internal sealed record DomainCertificate(string? Secret, bool IsHttps, DomainMappingStatus Status, PlanStep? Step = null)
{
    public static DomainCertificate Decide(KnDomainMapping mapping, DomainMappingStatus status, NetworkConfig network, IView view)
    {
        if (mapping.Spec.Tls is { } given)
        {
            return new(given.SecretName, true, status.CertificateProvided());
        }

        if (!network.ExternalDomainTls || CertificateSettings.IsDisabled(mapping.Metadata))
        {
            return new(null, false, status.TlsNotEnabled());
        }

        var wanted = Make(mapping, network);
        var name = wanted.Metadata.Name;
        var existing = view.Get<KnCertificate>(mapping.Metadata.NamespaceProperty, name);
        if (existing is not null && !existing.Metadata.IsControlledBy(mapping.Metadata))
        {
            return new(null, false, status.CertificateNotOwned(name));
        }

        var step = existing is null || CertificateSettings.IsOutdated(existing, wanted) ? PlanStep.Ensure(wanted) : null;
        var isCurrent = existing is not null && existing.Status.ObservedGeneration == existing.Metadata.Generation;
        var ready = isCurrent ? ConditionSet.Find(existing!.Status.Conditions, ConditionSet.Ready) : null;
        if (ready?.Status == ConditionSet.True)
        {
            return new(existing!.Spec.SecretName, true, status.CertificateReady(), step);
        }

        if (network.HttpProtocol == "enabled")
        {
            return new(null, false, status.HttpDowngrade(name), step);
        }

        var isFailed = ready?.Status == ConditionSet.False;
        return new(null, true, isFailed ? status.CertificateFailed(name, ready!.Reason) : status.CertificateNotReady(name, ready?.Reason), step);
    }

    private static KnCertificate Make(KnDomainMapping mapping, NetworkConfig network)
    {
        var (domain, name) = (mapping.Metadata.Name, ChildNames.For(mapping.Metadata.Name, ""));
        return new KnCertificate
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = mapping.Metadata.NamespaceProperty,
                OwnerReferences = [Ownership.By(mapping)],
                Annotations = Maps
                    .Keep(mapping.Metadata.Annotations, key => key is not (ServingKeys.LastApplied or NetworkingKeys.CertificateClassAlt))
                    .With(NetworkingKeys.CertificateClass, CertificateSettings.ClassOf(mapping.Metadata, network)),
                Labels = new Dictionary<string, string>
                {
                    [ServingKeys.DomainMappingUid] = mapping.Metadata.Uid, [NetworkingKeys.CertificateType] = NetworkingKeys.ExternalDomain,
                },
            },
            Spec = new CertificateSpec { DnsNames = [domain], Domain = domain, SecretName = name },
        };
    }
}
