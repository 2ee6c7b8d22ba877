using System.Net;
using System.Text;
using k8s.Models;

namespace Knet.Node.Dns;

/// <summary>A pod's <c>/etc/resolv.conf</c>, by its dnsPolicy and dnsConfig as the kubelet does it.</summary>
/// <param name="dns">Address of cluster DNS.</param>
/// <param name="clusterDomain">Such as <c>cluster.local</c>.</param>
/// <param name="hostText">The machine's own resolv.conf.</param>
public sealed class PodResolvConf(IPAddress dns, string clusterDomain, Func<string> hostText)
{
    // Kubernetes' limits (validation of dnsConfig, and what resolvers take).
    private const int NameServersMax = 3, SearchesMax = 32;

    public string Write(V1Pod pod)
    {
        var spec = pod.Spec;
        var text = hostText();
        var hostSearches = HostResolvers.Values(text, "search").Where(s => s != ".").ToList();
        var (servers, searches, options) = Policy(spec) switch
        {
            "None" => ([], [], []),
            "Default" => (HostServers(text), hostSearches, HostResolvers.Values(text, "options").ToList()),
            _ => ((List<string>)[dns.ToString()], (List<string>)[.. ClusterSearches(pod), .. hostSearches], (List<string>)["ndots:5"]),
        };
        if (spec?.DnsConfig is { } config)
        {
            servers.AddRange(config.Nameservers ?? []);
            searches.AddRange(config.Searches ?? []);
            foreach (var option in config.Options ?? [])
            {
                options.RemoveAll(o => o.Split(':')[0] == option.Name);
                options.Add(string.IsNullOrEmpty(option.Value) ? option.Name : $"{option.Name}:{option.Value}");
            }
        }

        return Format(servers.Distinct().Take(NameServersMax), searches.Distinct().Take(SearchesMax), options);
    }

    private static string Policy(V1PodSpec? spec) => spec?.DnsPolicy switch
    {
        "None" => "None",
        "Default" => "Default",
        // A pod in the host's network resolves like the host, unless it says otherwise.
        null or "" or "ClusterFirst" when spec?.HostNetwork == true => "Default",
        _ => "ClusterFirst",
    };

    private static string Format(IEnumerable<string> servers, IEnumerable<string> searches, List<string> options)
    {
        var text = new StringBuilder();
        foreach (var server in servers)
        {
            text.Append("nameserver ").Append(server).Append('\n');
        }

        var list = string.Join(' ', searches);
        text.Append(list.Length > 0 ? $"search {list}\n" : "");
        text.Append(options.Count > 0 ? $"options {string.Join(' ', options)}\n" : "");
        return text.ToString();
    }

    private IEnumerable<string> ClusterSearches(V1Pod pod) =>
        [$"{pod.Metadata?.NamespaceProperty ?? "default"}.svc.{clusterDomain}", $"svc.{clusterDomain}", clusterDomain];

    // A resolver on the host's loopback cannot be reached from a pod; cluster DNS forwards to it.
    private List<string> HostServers(string text) =>
    [
        .. HostResolvers.Values(text, "nameserver")
            .Select(s => IPAddress.TryParse(s, out var a) && IPAddress.IsLoopback(a) ? dns.ToString() : s),
    ];
}
