using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary>Kinds that lead traffic to pods.</summary>
internal static class ServiceColumns
{
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Type", o => o.Text("spec", "type")),
        TableColumn.Of("Cluster-IP", o => o.Text("spec", "clusterIP").OrNone()),
        TableColumn.Of("External-IP", ExternalIP),
        TableColumn.Of("Port(s)", Ports),
        TableColumn.Age,
        TableColumn.Wide("Selector", o => TableColumns.Map(o.At("spec", "selector"))),
    ];

    public static IReadOnlyList<TableColumn> Endpoints { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Endpoints", o => Some(
            o.Items("subsets").SelectMany(s => s.Items("ports").Any()
                ? s.Items("ports").SelectMany(p => s.Items("addresses").Select(a => $"{a.Text("ip")}:{p.Text("port")}"))
                : s.Items("addresses").Select(a => a.Text("ip"))))),
        TableColumn.Age,
    ];

    public static IReadOnlyList<TableColumn> EndpointSlices { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("AddressType", o => o.Text("addressType")),
        TableColumn.Of("Ports", o => Some(o.Items("ports").Select(p => p.Text("port") is { Length: > 0 } port ? port : "*"), "<unset>")),
        TableColumn.Of("Endpoints", o => Some(o.Items("endpoints").SelectMany(e => e.Items("addresses")).Select(a => a.ToString()), "<unset>")),
        TableColumn.Age,
    ];

    public static IReadOnlyList<TableColumn> Ingresses { get; } =
    [
        TableColumn.Name_,
        TableColumn.Of("Class", o => o.Text("spec", "ingressClassName").OrNone()),
        TableColumn.Of("Hosts", o => Hosts(o) is { Length: > 0 } all ? all : "*"),
        TableColumn.Of("Address", o => string.Join(',', o.Items("status", "loadBalancer", "ingress").Select(Address))),
        TableColumn.Of("Ports", o => o.Items("spec", "tls").Any() ? "80, 443" : "80"),
        TableColumn.Age,
    ];

    private static string Hosts(JsonElement ingress) =>
        string.Join(',', ingress.Items("spec", "rules").Select(r => r.Text("host")).Where(h => h.Length > 0));

    private static string ExternalIP(JsonElement service)
    {
        var extra = service.Items("spec", "externalIPs").Select(i => i.ToString()).ToList();
        switch (service.Text("spec", "type"))
        {
            case "ExternalName":
                return service.Text("spec", "externalName");
            case "LoadBalancer":
                var all = service.Items("status", "loadBalancer", "ingress").Select(Address).Concat(extra).ToList();
                return all.Count > 0 ? string.Join(',', all) : "<pending>";
            default:
                return extra.Count > 0 ? string.Join(',', extra) : "<none>";
        }
    }

    private static string Address(JsonElement ingress) => ingress.Text("ip") is { Length: > 0 } ip ? ip : ingress.Text("hostname");

    private static string Ports(JsonElement service) => string.Join(',', service.Items("spec", "ports").Select(p =>
    {
        var protocol = p.Text("protocol") is { Length: > 0 } named ? named : "TCP";
        return p.Number("nodePort") > 0 ? $"{p.Text("port")}:{p.Text("nodePort")}/{protocol}" : $"{p.Text("port")}/{protocol}";
    })).OrNone();

    // Three are shown, the rest counted.
    private static string Some(IEnumerable<string> values, string none = "<none>")
    {
        var all = values.ToList();
        return all.Count switch
        {
            0 => none,
            <= 3 => string.Join(',', all),
            var count => $"{string.Join(',', all.Take(3))} + {count - 3} more...",
        };
    }
}
