using k8s.Models;
using Knet.Api.Eventing;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles;

/// <summary>Whom each role acts as. RBAC decides what they may do, in this process as on a cluster.</summary>
internal static class Identities
{
    public const string SystemNamespace = "knative-serving";

    /// <summary>The controllers of built-in kinds, by Kubernetes' names for them.</summary>
    private static readonly string[] WorkloadNames =
    [
        "clusterrole-aggregation-controller", "deployment-controller", "replicaset-controller", "endpoint-controller",
        "endpointslicemirroring-controller", "job-controller", "horizontal-pod-autoscaler", "disruption-controller",
        "persistent-volume-binder", "namespace-controller", "kube-scheduler", "knet-reader",
    ];

    /// <summary>Whose eyes the shared caches are.</summary>
    public static KubeUser Reader { get; } = Workload("knet-reader");

    public static KubeUser Serving { get; } = KubeUser.ServiceAccount(SystemNamespace, "controller");
    public static KubeUser Autoscaler { get; } = KubeUser.ServiceAccount(SystemNamespace, "autoscaler");
    public static KubeUser Gateway { get; } = KubeUser.ServiceAccount(SystemNamespace, "gateway");

    /// <summary>Upstream's account of the same work: channels take subscribers from it alone.</summary>
    public static KubeUser Eventing { get; } = KubeUser.ServiceAccount(EventingKeys.SystemNamespace, EventingKeys.ControllerAccount);

    public static KubeUser Workload(string name) => KubeUser.ServiceAccount("kube-system", name);

    public static KubeUser Node(string name) => new($"system:node:{name}", ["system:nodes", "system:authenticated"]);

    /// <summary>Gives the controllers' accounts what they need; the nodes' role is one of the bootstrap roles.</summary>
    public static Task EnsureRolesAsync(KubeClient client, CancellationToken cancellationToken) => client.ApplyAsync(
        new V1ClusterRoleBinding
        {
            ApiVersion = "rbac.authorization.k8s.io/v1",
            Kind = "ClusterRoleBinding",
            Metadata = new V1ObjectMeta { Name = "knet:controllers" },
            RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "cluster-admin" },
            Subjects =
            [
                .. WorkloadNames.Select(name => Subject("kube-system", name)),
                .. new[] { "controller", "autoscaler", "gateway" }.Select(name => Subject(SystemNamespace, name)),
                Subject(EventingKeys.SystemNamespace, EventingKeys.ControllerAccount),
            ],
        },
        cancellationToken);

    private static Rbacv1Subject Subject(string ns, string name) => new() { Kind = "ServiceAccount", Name = name, NamespaceProperty = ns };
}
