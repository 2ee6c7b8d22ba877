using k8s.Models;
using Knet.Api.Serving.V1;

namespace Knet.Tests.System.Platform;

/// <summary>Objects as users write them.</summary>
internal static class A
{
    /// <summary>A Service whose program answers with <paramref name="text"/>.</summary>
    public static KnService Service(string ns, string name, string text = "one", string image = "dev.local/hello:v1") => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = name },
        Spec = new ServiceSpec { Template = Template(text, image) },
    };

    public static RevisionTemplate Template(string text, string image = "dev.local/hello:v1") => new()
    {
        Spec = new RevisionSpec { Containers = [new V1Container { Image = image, Env = [new V1EnvVar { Name = "TEXT", Value = text }] }] },
    };

    public static V1Deployment Deployment(string ns, string name, int replicas, string image)
    {
        var labels = new Dictionary<string, string> { ["app"] = name };
        return new V1Deployment
        {
            ApiVersion = "apps/v1",
            Kind = "Deployment",
            Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = name },
            Spec = new V1DeploymentSpec
            {
                Replicas = replicas,
                Selector = new V1LabelSelector { MatchLabels = labels },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta { Labels = labels },
                    Spec = new V1PodSpec { Containers = [new V1Container { Name = "app", Image = image }] },
                },
            },
        };
    }

    public static V1ConfigMap ConfigMap(string ns, string name, string value) => new()
    {
        ApiVersion = "v1",
        Kind = "ConfigMap",
        Metadata = new V1ObjectMeta { NamespaceProperty = ns, Name = name },
        Data = new Dictionary<string, string> { ["key"] = value },
    };

    /// <summary>Whether a Service's present generation is ready.</summary>
    public static bool Ready(KnService service) => ReadyIs(service, "True");

    public static bool ReadyIs(KnService service, string status) =>
        service.Status.ObservedGeneration == service.Metadata.Generation
        && service.Status.Conditions?.Any(c => c.Type == "Ready" && c.Status == status) == true;
}
