using k8s.Models;
using Knet.Api.Eventing;

namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// The ClusterRoles that installing Eventing brings, by upstream's names: what its kinds add to admin, edit and view, and the roles that
/// gather by the duck types' labels, into which the roles of foreign kinds fall.
/// </summary>
internal static class EventingAccess
{
    private const string Rbac = "rbac.authorization.k8s.io";
    private const string Addressable = "duck.knative.dev/addressable";
    private const string Channelable = "duck.knative.dev/channelable";
    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Groups =
    [
        EventingKeys.Group, EventingKeys.MessagingGroup, EventingKeys.FlowsGroup, EventingKeys.SourcesGroup, EventingKeys.SinksGroup,
        "bindings.knative.dev",
    ];

    public static IReadOnlyList<V1ClusterRole> ClusterRoles { get; } =
    [
        .. Groups.Select(g => InstalledAccess.Role(
            $"knative-{g[..g.IndexOf('.', StringComparison.Ordinal)]}-namespaced-admin", $"{Rbac}/aggregate-to-admin", Rule(g, ["*"], ["*"]))),
        InstalledAccess.Role(
            "knative-eventing-namespaced-edit", $"{Rbac}/aggregate-to-edit",
            InstalledAccess.Rule(Groups, ["*"], ["create", "update", "patch", "delete"])),
        InstalledAccess.Role("knative-eventing-namespaced-view", $"{Rbac}/aggregate-to-view", InstalledAccess.Rule(Groups, ["*"], Read)),
        InstalledAccess.Aggregate("addressable-resolver", Addressable),
        InstalledAccess.Aggregate("channelable-manipulator", Channelable),
        InstalledAccess.Aggregate("source-observer", "duck.knative.dev/source"),
        InstalledAccess.Aggregate("podspecable-binding", "duck.knative.dev/podspecable"),
        InstalledAccess.Aggregate("crossnamespace-subscriber", "duck.knative.dev/crossnamespace-subscribable"),
        InstalledAccess.Role("service-addressable-resolver", Addressable, Rule("", ["services"], Read)),
        InstalledAccess.Role("broker-addressable-resolver", Addressable, Rule(EventingKeys.Group, Both("brokers"), Read)),
        InstalledAccess.Role(
            "channel-addressable-resolver", Addressable, Rule(EventingKeys.MessagingGroup, Both("channels"), Read)),
        InstalledAccess.Role(
            "imc-addressable-resolver", Addressable, Rule(EventingKeys.MessagingGroup, Both("inmemorychannels"), Read)),
        InstalledAccess.Role(
            "flows-addressable-resolver", Addressable,
            Rule(EventingKeys.FlowsGroup, [.. Both("sequences"), .. Both("parallels")], Read)),
        InstalledAccess.Role(
            "meta-channelable-manipulator", Channelable, Rule(EventingKeys.MessagingGroup, Both("channels"), [.. Read, "create", "update", "patch"])),
        InstalledAccess.Role(
            "imc-channelable-manipulator", Channelable,
            Rule(EventingKeys.MessagingGroup, Both("inmemorychannels"), ["create", .. Read, "update", "patch"])),
        InstalledAccess.Role(
            "knative-eventing-crossnamespace-subscriber", "duck.knative.dev/crossnamespace-subscribable",
            Rule(EventingKeys.Group, ["brokers"], ["knsubscribe"]),
            Rule(EventingKeys.MessagingGroup, ["channels", "inmemorychannels"], ["knsubscribe"])),
    ];

    private static string[] Both(string plural) => [plural, $"{plural}/status"];

    private static V1PolicyRule Rule(string group, string[] resources, string[] verbs) => InstalledAccess.Rule([group], resources, verbs);
}
