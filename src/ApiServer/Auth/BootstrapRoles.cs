using k8s;
using k8s.Models;
using Knet.Kube.Client;

namespace Knet.ApiServer.Auth;

/// <summary>The roles and bindings that every cluster has, so that charts and tools that name them work.</summary>
public static class BootstrapRoles
{
    private const string Group = "rbac.authorization.k8s.io";
    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Write = ["create", "delete", "deletecollection", "patch", "update"];

    public static IReadOnlyList<V1ClusterRole> ClusterRoles { get; } =
    [
        Role("cluster-admin", new V1PolicyRule { ApiGroups = ["*"], Resources = ["*"], Verbs = ["*"] }, Paths("*", "*")),
        Aggregate("admin", "admin"),
        Aggregate("edit", "edit"),
        Aggregate("view", "view"),
        Part("system:aggregate-to-admin", "admin", Rule(Group, ["roles", "rolebindings"], [.. Read, .. Write]),
            Rule("authorization.k8s.io", ["localsubjectaccessreviews"], ["create"])),
        Part("system:aggregate-to-edit", "edit",
            Rule("", ["configmaps", "events", "persistentvolumeclaims", "pods", "secrets", "serviceaccounts", "services"], [.. Write]),
            Rule("", ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"], ["get", .. Write]),
            Rule("", ["pods/eviction", "serviceaccounts/token"], ["create"]),
            Rule("", ["secrets"], Read),
            Rule("", ["serviceaccounts"], ["impersonate"]),
            Rule("apps", ["deployments", "deployments/scale", "replicasets", "replicasets/scale"], [.. Write]),
            Rule("autoscaling", ["horizontalpodautoscalers"], [.. Write]),
            Rule("batch", ["jobs", "cronjobs"], [.. Write]),
            Rule("coordination.k8s.io", ["leases"], [.. Read, .. Write]),
            Rule("networking.k8s.io", ["ingresses", "networkpolicies"], [.. Write]),
            Rule("policy", ["poddisruptionbudgets"], [.. Write])),
        Part("system:aggregate-to-view", "view",
            Rule("", ["configmaps", "endpoints", "events", "limitranges", "namespaces", "persistentvolumeclaims", "pods", "pods/log",
                "pods/status", "resourcequotas", "serviceaccounts", "services", "services/status"], Read),
            Rule("discovery.k8s.io", ["endpointslices"], Read),
            Rule("apps", ["deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status"], Read),
            Rule("autoscaling", ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], Read),
            Rule("batch", ["jobs", "jobs/status", "cronjobs"], Read),
            Rule("networking.k8s.io", ["ingresses", "ingresses/status", "networkpolicies"], Read),
            Rule("policy", ["poddisruptionbudgets", "poddisruptionbudgets/status"], Read)),
        Part("system:aggregated-metrics-reader", "view", Rule("metrics.k8s.io", ["pods", "nodes"], Read)),
        Role("system:discovery", Paths("get", "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
            "/version", "/version/")),
        Role("system:public-info-viewer", Paths("get", "/healthz", "/livez", "/readyz", "/version", "/version/")),
        Role("system:basic-user",
            Rule("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
            Rule("authentication.k8s.io", ["selfsubjectreviews"], ["create"])),
        Role("system:service-account-issuer-discovery", Paths("get", "/.well-known/openid-configuration", "/openid/v1/jwks")),
        Role("system:auth-delegator", Rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
            Rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"])),
        Role("system:node",
            Rule("", ["pods", "services", "endpoints", "nodes", "configmaps", "secrets", "serviceaccounts", "namespaces", "persistentvolumeclaims",
                "persistentvolumes"], Read),
            Rule("", ["nodes", "nodes/status", "events", "pods", "pods/status"], [.. Write]),
            Rule("", ["serviceaccounts/token"], ["create"]),
            Rule("coordination.k8s.io", ["leases"], [.. Read, .. Write]),
            Rule("discovery.k8s.io", ["endpointslices"], Read),
            Rule("node.k8s.io", ["runtimeclasses"], Read),
            Rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
            Rule("authorization.k8s.io", ["subjectaccessreviews"], ["create"])),
    ];

    public static IReadOnlyList<V1ClusterRoleBinding> ClusterRoleBindings { get; } =
    [
        Binding("cluster-admin", "cluster-admin", "system:masters"),
        Binding("system:discovery", "system:discovery", "system:authenticated"),
        Binding("system:basic-user", "system:basic-user", "system:authenticated"),
        Binding("system:public-info-viewer", "system:public-info-viewer", "system:authenticated", "system:unauthenticated"),
        Binding("system:service-account-issuer-discovery", "system:service-account-issuer-discovery", "system:serviceaccounts"),
        Binding("system:node", "system:node", "system:nodes"),
    ];

    /// <summary>Creates what is missing; what is there stays as its owner changed it.</summary>
    public static async Task EnsureAsync(KubeClient client, CancellationToken cancellationToken)
    {
        foreach (var role in ClusterRoles)
        {
            await CreateAsync(client, role, cancellationToken);
        }

        foreach (var binding in ClusterRoleBindings)
        {
            await CreateAsync(client, binding, cancellationToken);
        }
    }

    private static async Task CreateAsync<T>(KubeClient client, T value, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (await client.FindAsync<T>("", value.Metadata.Name, cancellationToken) is null)
        {
            await client.CreateAsync(value, cancellationToken);
        }
    }

    private static V1PolicyRule Rule(string group, string[] resources, string[] verbs) =>
        new() { ApiGroups = [group], Resources = resources, Verbs = verbs };

    private static V1PolicyRule Paths(string verb, params string[] paths) => new() { NonResourceURLs = paths, Verbs = [verb] };

    private static V1ClusterRole Role(string name, params V1PolicyRule[] rules) =>
        new() { ApiVersion = $"{Group}/v1", Kind = "ClusterRole", Metadata = Meta(name), Rules = rules };

    private static V1ClusterRole Part(string name, string target, params V1PolicyRule[] rules)
    {
        var role = Role(name, rules);
        role.Metadata.Labels[$"{Group}/aggregate-to-{target}"] = "true";
        return role;
    }

    private static V1ClusterRole Aggregate(string name, string label)
    {
        var role = Role(name);
        var wider = name switch { "view" => "edit", "edit" => "admin", _ => null };
        if (wider is not null)
        {
            role.Metadata.Labels[$"{Group}/aggregate-to-{wider}"] = "true";
        }

        role.AggregationRule = new V1AggregationRule
        {
            ClusterRoleSelectors =
                [new V1LabelSelector { MatchLabels = new Dictionary<string, string> { [$"{Group}/aggregate-to-{label}"] = "true" } }],
        };
        return role;
    }

    private static V1ClusterRoleBinding Binding(string name, string role, params string[] groups) => new()
    {
        ApiVersion = $"{Group}/v1",
        Kind = "ClusterRoleBinding",
        Metadata = Meta(name),
        RoleRef = new V1RoleRef { ApiGroup = Group, Kind = "ClusterRole", Name = role },
        Subjects = [.. groups.Select(g => new Rbacv1Subject { ApiGroup = Group, Kind = "Group", Name = g })],
    };

    private static V1ObjectMeta Meta(string name) => new()
    {
        Name = name,
        Labels = new Dictionary<string, string> { ["kubernetes.io/bootstrapping"] = "rbac-defaults" },
        Annotations = new Dictionary<string, string> { ["rbac.authorization.kubernetes.io/autoupdate"] = "true" },
    };
}
