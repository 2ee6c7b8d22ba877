namespace Knet.Daemon.Roles.Installed;

/// <summary>
/// A part of Knative that runs inside this process and is shown as an installation shows it: a Deployment with a pod. Names, labels and
/// ports are upstream's, so that tools which look for them find them and upstream's own release files fit on top.
/// </summary>
/// <param name="Name">Of the Deployment, its container and the label <c>app</c>.</param>
/// <param name="Component">The label <c>app.kubernetes.io/component</c>.</param>
/// <param name="Account">The service account of its pod.</param>
/// <param name="Ports">Container ports by name.</param>
internal sealed record InstalledRole(string Name, string Component, string Account, params (string Name, int Port)[] Ports)
{
    public const string Controller = "controller";

    /// <summary>The pods' node: not a Node object, so that no scheduler, agent or capacity is concerned with them.</summary>
    public const string NodeName = "knet-control-plane";

    /// <summary>What the process runs, in knative-serving.</summary>
    public static IReadOnlyList<InstalledRole> All { get; } =
    [
        new("activator", "activator", "activator", ("metrics", 9090), ("profiling", 8008), ("http1", 8012), ("h2c", 8013))
        {
            HasRoleLabel = true,
        },
        new("autoscaler", "autoscaler", Controller, ("metrics", 9090), ("profiling", 8008), ("websocket", 8080))
        {
            ServicePorts = [("http-metrics", 9090, 9090), ("http-profiling", 8008, 8008), ("http", 8080, 8080)],
        },
        new("autoscaler-hpa", "autoscaler-hpa", Controller, ("metrics", 9090), ("profiling", 8008))
        {
            ServicePorts = [("http-metrics", 9090, 9090), ("http-profiling", 8008, 8008)],
        },
        new(Controller, Controller, Controller, ("metrics", 9090), ("profiling", 8008), ("probes", 8080))
        {
            ServicePorts = [("http-metrics", 9090, 9090), ("http-profiling", 8008, 8008)],
        },
        new(KnativeObjects.GatewayService, "gateway", Controller, ("http", KnativeObjects.HttpPort), ("http2", KnativeObjects.Http2Port)),
        new("webhook", "webhook", Controller, ("metrics", 9090), ("profiling", 8008), ("https-webhook", 8443))
        {
            HasRoleLabel = true,
            ServicePorts = [("http-metrics", 9090, 9090), ("http-profiling", 8008, 8008), ("https-webhook", 443, 8443)],
        },
    ];

    /// <summary>
    /// Deployments of upstream's other releases whose work this process does too: accepted and shown, but they start nothing either.
    /// </summary>
    private static readonly HashSet<(string Namespace, string Name)> Replaced =
    [
        (Identities.SystemNamespace, "domain-mapping"), (Identities.SystemNamespace, "domainmapping-webhook"),
        (Identities.SystemNamespace, "net-kourier-controller"), ("kourier-system", "3scale-kourier-gateway"),
        (Identities.SystemNamespace, "net-istio-controller"), (Identities.SystemNamespace, "net-istio-webhook"),
        (Identities.SystemNamespace, "net-contour-controller"), (Identities.SystemNamespace, "net-gateway-api-controller"),
        (Identities.SystemNamespace, "net-gateway-api-webhook"), (Identities.SystemNamespace, "net-certmanager-controller"),
        (Identities.SystemNamespace, "net-certmanager-webhook"),
    ];

    /// <summary>The ports of its Service, with their targets. Empty: it has none of its own here.</summary>
    public IReadOnlyList<(string Name, int Port, int Target)> ServicePorts { get; init; } = [];

    /// <summary>Whether its selector has the label <c>role</c> too.</summary>
    public bool HasRoleLabel { get; init; }

    /// <summary>Namespaces in which pods of this process may appear.</summary>
    public static bool IsHome(string ns) => ns == Identities.SystemNamespace || Replaced.Any(r => r.Namespace == ns);

    /// <summary>Whether a Deployment stands for work that this process does.</summary>
    public static bool StandsFor(string ns, string name) =>
        (ns == Identities.SystemNamespace && All.Any(r => r.Name == name)) || Replaced.Contains((ns, name));
}
