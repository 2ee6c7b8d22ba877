namespace Knet.Node.Network;

/// <summary>The nftables program of the host's side: what pods may reach, and what may reach pods. Pure text.</summary>
internal static class HostRules
{
    /// <summary>Replaces the table atomically.</summary>
    /// <param name="options">Names, ranges and egress.</param>
    /// <param name="closed">Interfaces that forwarded nothing before we turned it on: among each other they go on so. Only those, for
    /// others on this machine (container engines, a second daemon of ours) may have come to rely on forwarding since.</param>
    public static string Program(NetworkOptions options, IReadOnlyList<string> closed)
    {
        var pods = $"\"{options.InterfacePrefix}*\"";
        var egress = options.Egress == Egress.Off ? "reject with icmp admin-prohibited comment \"egress is off\"" : "accept";
        var names = string.Join(", ", closed.Select(name => $"\"{name}\""));
        var others = closed.Count == 0
            ? ""
            : $"iifname {{ {names} }} oifname {{ {names} }} drop comment \"these forwarded nothing before\"";
        return $$"""
            {{Remove(options.TableName)}}
            table ip {{options.TableName}} {
              chain early {
                type filter hook prerouting priority raw; policy accept;
                iifname {{pods}} fib saddr . iif oif missing drop comment "no foreign source addresses"
                iifname {{pods}} ip daddr 169.254.0.0/16 reject with icmp admin-prohibited comment "cloud metadata"
                iifname != {{pods}} iifname != "lo" iifname != "{{options.BridgeName}}" goto foreign
              }
              chain foreign {
                ip daddr { {{options.GatewayAddress}}, {{options.ServiceRange}} } drop comment "for this machine and its pods only"
              }
              chain forward {
                type filter hook forward priority filter; policy accept;
                iifname {{pods}} ip daddr 169.254.0.0/16 drop
                ip daddr {{options.ServiceRange}} goto refuse
                iifname {{pods}} oifname {{pods}} accept
                iifname {{pods}} ct state established,related accept
                iifname {{pods}} {{egress}}
                oifname {{pods}} ct state established,related accept
                oifname {{pods}} ct status dnat accept
                oifname {{pods}} drop comment "pods are reached through Services only"
                {{others}}
              }
              chain output {
                type filter hook output priority filter; policy accept;
                ip daddr {{options.ServiceRange}} goto refuse
              }
              chain refuse {
                meta l4proto tcp reject with tcp reset
                reject with icmp port-unreachable
              }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr {{options.PodRange}} oifname != {{pods}} oifname != "{{options.BridgeName}}" oifname != "lo" masquerade
              }
            }

            """;
    }

    /// <summary>Removes a table whether it is there or not.</summary>
    public static string Remove(string table) => $"table ip {table}\ndelete table ip {table}";
}
