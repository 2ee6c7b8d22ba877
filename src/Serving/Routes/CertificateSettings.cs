using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>What a Route or a DomainMapping says of its certificates, by annotation (serving.md 15).</summary>
internal static class CertificateSettings
{
    public static string ClassOf(V1ObjectMeta owner, NetworkConfig network) =>
        owner.Annotations.Find(NetworkingKeys.CertificateClass) ?? owner.Annotations.Find(NetworkingKeys.CertificateClassAlt) ??
        network.CertificateClass;

    /// <summary>Whether it wants none for its names outside.</summary>
    public static bool IsDisabled(V1ObjectMeta owner)
    {
        var text = owner.Annotations.Find(NetworkingKeys.DisableExternalDomainTls) ?? owner.Annotations.Find(NetworkingKeys.DisableAutoTls) ??
            owner.Annotations.Find(NetworkingKeys.DisableAutoTlsAlt);
        return string.Equals(text, "true", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether the certificate in force is another than the one wanted now.</summary>
    public static bool IsOutdated(KnCertificate existing, KnCertificate wanted) =>
        !Maps.SameJson(existing.Spec, wanted.Spec) || !Maps.Same(existing.Metadata.Annotations, wanted.Metadata.Annotations) ||
        !Maps.Same(existing.Metadata.Labels, wanted.Metadata.Labels);
}
