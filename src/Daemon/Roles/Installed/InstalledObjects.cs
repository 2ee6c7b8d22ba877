using System.Reflection;
using k8s.Models;

namespace Knet.Daemon.Roles.Installed;

/// <summary>The objects that stand for a role.</summary>
internal static class InstalledObjects
{
    private static readonly string Version =
        typeof(InstalledObjects).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
        ?? "unknown";

    public static V1Deployment Deployment(InstalledRole role) => new()
    {
        ApiVersion = "apps/v1",
        Kind = "Deployment",
        Metadata = Meta(role.Name, role.Component),
        Spec = new V1DeploymentSpec
        {
            Replicas = 1,
            Selector = new V1LabelSelector { MatchLabels = Selector(role) },
            Template = new V1PodTemplateSpec
            {
                Metadata = new V1ObjectMeta { Labels = With(Selector(role), role.Component) },
                Spec = new V1PodSpec
                {
                    NodeName = InstalledRole.NodeName,
                    ServiceAccountName = role.Account,
                    Containers =
                    [
                        new V1Container
                        {
                            Name = role.Name,
                            Image = $"knet.dev/knetd:{Version}",
                            Ports = [.. role.Ports.Select(p => new V1ContainerPort { Name = p.Name, ContainerPort = p.Port, Protocol = "TCP" })],
                        },
                    ],
                },
            },
        },
    };

    public static V1Service Service(InstalledRole role) => new()
    {
        ApiVersion = "v1",
        Kind = "Service",
        Metadata = Meta(role.Name, role.Component, ("app", role.Name)),
        Spec = new V1ServiceSpec
        {
            Selector = Selector(role),
            Ports = [.. role.ServicePorts.Select(p => new V1ServicePort { Name = p.Name, Port = p.Port, TargetPort = p.Target, Protocol = "TCP" })],
        },
    };

    public static V1ServiceAccount Account(string name) =>
        new() { ApiVersion = "v1", Kind = "ServiceAccount", Metadata = Meta(name, name) };

    private static Dictionary<string, string> Selector(InstalledRole role) => role.HasRoleLabel
        ? new() { ["app"] = role.Name, ["role"] = role.Name }
        : new() { ["app"] = role.Name };

    private static V1ObjectMeta Meta(string name, string component, params (string Key, string Value)[] more) => new()
    {
        Name = name,
        NamespaceProperty = Identities.SystemNamespace,
        Labels = With(more.ToDictionary(m => m.Key, m => m.Value), component),
    };

    private static Dictionary<string, string> With(Dictionary<string, string> labels, string component) => new(labels)
    {
        ["app.kubernetes.io/component"] = component,
        ["app.kubernetes.io/name"] = "knative-serving",
        ["app.kubernetes.io/version"] = Version,
    };
}
