using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Serving.PodAutoscalers;

namespace Knet.Serving.ServerlessServices;

/// <summary>The two Services of a Revision.</summary>
internal static class RevisionServices
{
    public const int BackendHttpPort = 8012;
    public const int BackendHttp2Port = 8013;
    public const int BackendHttpsPort = 8112;

    public static bool IsHttp2(KnServerlessService sks) => sks.Spec.ProtocolType == "h2c";

    public static V1Service Private(KnServerlessService sks, string name, IDictionary<string, string> selector)
    {
        var target = IsHttp2(sks) ? BackendHttp2Port : BackendHttpPort;
        var protocol = IsHttp2(sks) ? "http2" : "http";
        return new V1Service
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = Describe(sks, name, "Private"),
            Spec = new V1ServiceSpec
            {
                Ports =
                [
                    Port(protocol, 80, target, IsHttp2(sks)),
                    Port("https", 443, BackendHttpsPort),
                    Port("http-autometric", 9090, "http-autometric"),
                    Port("http-usermetric", 9091, "http-usermetric"),
                    Port(protocol + "-istio", target, target, IsHttp2(sks)),
                ],
                Selector = new Dictionary<string, string>(selector),
            },
        };
    }

    public static V1Service Public(KnServerlessService sks) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = Describe(sks, sks.Metadata.Name, "Public"),
        Spec = new V1ServiceSpec
        {
            Ports =
            [
                IsHttp2(sks) ? Port("http2", 81, BackendHttp2Port, http2: true) : Port("http", 80, BackendHttpPort),
                Port("https", 443, BackendHttpsPort),
            ],
        },
    };

    public static V1ObjectMeta Describe(KnServerlessService sks, string name, string type)
    {
        var labels = sks.Metadata.Labels is null ? [] : new Dictionary<string, string>(sks.Metadata.Labels);
        labels[NetworkingKeys.ServerlessService] = sks.Metadata.Name;
        labels[NetworkingKeys.ServiceType] = type;
        return new V1ObjectMeta
        {
            Name = name,
            NamespaceProperty = sks.Metadata.NamespaceProperty,
            Labels = labels,
            Annotations = sks.Metadata.Annotations is null ? null : new Dictionary<string, string>(sks.Metadata.Annotations),
            OwnerReferences = [OwnerReferences.Of(sks.Metadata, ResourceType.Of<KnServerlessService>())],
        };
    }

    private static V1ServicePort Port(string name, int port, IntOrString target, bool http2 = false) => new()
    {
        Name = name,
        Port = port,
        Protocol = "TCP",
        TargetPort = target,
        AppProtocol = http2 ? "kubernetes.io/h2c" : null,
    };
}
