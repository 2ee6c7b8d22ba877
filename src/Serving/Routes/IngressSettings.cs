using k8s.Models;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.Routes;

/// <summary>What the Ingresses of Routes and of DomainMappings have in common.</summary>
internal static class IngressSettings
{
    /// <summary>Those of the owner, and the class that carries the Ingress out.</summary>
    public static SortedDictionary<string, string> Annotations(V1ObjectMeta owner, NetworkConfig network) =>
        Maps.Keep(owner.Annotations, IsForIngress).With(NetworkingKeys.IngressClass, ClassOf(owner, network));

    /// <param name="hasCertificate">Without one there is nowhere to redirect to.</param>
    public static string HttpOption(V1ObjectMeta owner, NetworkConfig network, bool hasCertificate)
    {
        var text = owner.Annotations.Find(NetworkingKeys.HttpOption) ?? owner.Annotations.Find(NetworkingKeys.HttpOptionAlt) ??
            network.HttpProtocol;
        return hasCertificate && string.Equals(text, "redirected", StringComparison.OrdinalIgnoreCase) ? "Redirected" : "Enabled";
    }

    public static bool IsUpToDate(KnIngress existing, KnIngress wanted) =>
        Maps.Same(existing.Metadata.Annotations, wanted.Metadata.Annotations) &&
        Maps.Same(existing.Metadata.Labels, wanted.Metadata.Labels) &&
        Maps.SameJson(existing.Spec, wanted.Spec);

    private static bool IsForIngress(string key) =>
        key is not (ServingKeys.LastApplied or NetworkingKeys.IngressClassAlt or NetworkingKeys.CertificateClassAlt);

    private static string ClassOf(V1ObjectMeta owner, NetworkConfig network) =>
        owner.Annotations.Find(NetworkingKeys.IngressClass) ?? owner.Annotations.Find(NetworkingKeys.IngressClassAlt) ??
        network.IngressClass;
}
