using k8s.Models;
using Knet.Kube.Client;

namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// The ClusterRoles that installing Serving brings: its kinds become part of admin, edit and view, and other installations that aggregate
/// by the duck types' labels find them.
/// </summary>
internal static class InstalledAccess
{
    private const string Group = "rbac.authorization.k8s.io";
    private const string Serving = "serving.knative.dev";
    private static readonly string[] Internal =
        ["networking.internal.knative.dev", "autoscaling.internal.knative.dev", "caching.internal.knative.dev"];

    private static readonly string[] Read = ["get", "list", "watch"];

    public static IReadOnlyList<V1ClusterRole> ClusterRoles { get; } =
    [
        Role("knative-serving-namespaced-admin", $"{Group}/aggregate-to-admin", Rule([Serving], ["*"], ["*"]), Rule(Internal, ["*"], Read)),
        Role(
            "knative-serving-namespaced-edit", $"{Group}/aggregate-to-edit",
            Rule([Serving], ["*"], ["create", "update", "patch", "delete"]), Rule(Internal, ["*"], Read)),
        Role("knative-serving-namespaced-view", $"{Group}/aggregate-to-view", Rule([Serving, .. Internal], ["*"], Read)),
        Role(
            "knative-serving-addressable-resolver", "duck.knative.dev/addressable",
            Rule([Serving], ["routes", "routes/status", "services", "services/status"], Read)),
        Role(
            "knative-serving-podspecable-binding", "duck.knative.dev/podspecable",
            Rule([Serving], ["configurations", "services"], ["list", "watch", "patch"])),
        Aggregate("knative-serving-aggregated-addressable-resolver", "duck.knative.dev/addressable"),
        Aggregate("knative-serving-admin", "serving.knative.dev/controller"),
    ];

    /// <summary>Creates what is missing; what is there stays as its owner changed it.</summary>
    public static async Task EnsureAsync(KubeClient client, CancellationToken cancellationToken)
    {
        foreach (var role in ClusterRoles.Concat(EventingAccess.ClusterRoles))
        {
            if (await client.FindAsync<V1ClusterRole>("", role.Metadata.Name, cancellationToken) is null)
            {
                await client.CreateAsync(role, cancellationToken);
            }
        }
    }

    internal static V1PolicyRule Rule(string[] groups, string[] resources, string[] verbs) =>
        new() { ApiGroups = groups, Resources = resources, Verbs = verbs };

    internal static V1ClusterRole Role(string name, string label, params V1PolicyRule[] rules) =>
        Make(name, label.Length == 0 ? [] : new() { [label] = "true" }) with { Rules = rules };

    internal static V1ClusterRole Aggregate(string name, string label) => Make(name, []) with
    {
        Rules = [],
        AggregationRule = new V1AggregationRule
        {
            ClusterRoleSelectors = [new V1LabelSelector { MatchLabels = new Dictionary<string, string> { [label] = "true" } }],
        },
    };

    private static V1ClusterRole Make(string name, Dictionary<string, string> labels) => new()
    {
        ApiVersion = $"{Group}/v1",
        Kind = "ClusterRole",
        Metadata = new V1ObjectMeta
        {
            Name = name,
            Labels = new Dictionary<string, string>(labels)
            {
                ["app.kubernetes.io/name"] = name.StartsWith("knative-serving-", StringComparison.Ordinal) ? "knative-serving" : "knative-eventing",
            },
        },
    };
}
