using System.Globalization;
using System.Net;
using System.Text;
using Knet.Node.Network;

namespace Knet.Node.ServiceProxy;

/// <summary>
/// The nftables programs of Services, pure text. One map leads from address, protocol and port to a chain per Service port, which picks
/// an endpoint; so a packet costs one look-up however many Services there are, and a change costs as much as it changes.
/// </summary>
internal static class ServiceProgram
{
    /// <summary>Replaces the whole table atomically.</summary>
    public static string Full(NetworkOptions options, IEnumerable<ServiceRule> rules)
    {
        var table = options.ServicesTableName;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            {{HostRules.Remove(table)}}
            table ip {{table}} {
              map services { type ipv4_addr . inet_proto . inet_service : verdict; }
              map nodeports { type inet_proto . inet_service : verdict; }
              set hairpin { type ipv4_addr . ipv4_addr; }
              chain dispatch {
                ip daddr . meta l4proto . th dport vmap @services
            {{(options.NodePorts ? "    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @nodeports" : "")}}
              }
              chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump dispatch; }
              chain output { type nat hook output priority -100; policy accept; jump dispatch; }
              chain postrouting {
                type nat hook postrouting priority srcnat - 5; policy accept;
                ct status dnat ip saddr . ip daddr @hairpin snat to {{options.GatewayAddress}} comment "a pod that meets itself through its Service"
              }
            }

            """);
        var all = rules.ToArray();
        Append(text, options, [], all, [], Addresses(options, all));
        return text.ToString();
    }

    /// <summary>The changes from one state to another; empty when there are none.</summary>
    public static string Change(NetworkOptions options, RuleChange change)
    {
        var text = new StringBuilder();
        Append(text, options, change.Removed, change.Added, change.HairpinRemoved, change.HairpinAdded);
        return text.ToString();
    }

    /// <summary>Endpoints that are pods here: a pod may meet itself. Sorted and distinct.</summary>
    public static IReadOnlyCollection<IPAddress> Addresses(NetworkOptions options, IEnumerable<ServiceRule> rules) =>
    [
        .. rules.SelectMany(r => r.Targets).Select(t => t.Address)
            .Where(a => options.PodRange.Contains(a)).Distinct().OrderBy(Ipv4.ToNumber),
    ];

    private static void Append(
        StringBuilder text, NetworkOptions options, IReadOnlyCollection<ServiceRule> removed, IReadOnlyCollection<ServiceRule> added,
        IReadOnlyCollection<IPAddress> hairpinRemoved, IReadOnlyCollection<IPAddress> hairpinAdded)
    {
        var table = options.ServicesTableName;
        var kept = added.Select(r => r.Chain).ToHashSet(StringComparer.Ordinal);
        var before = removed.ToDictionary(r => r.Chain, StringComparer.Ordinal);
        foreach (var rule in added)
        {
            var isNew = !before.TryGetValue(rule.Chain, out var old);
            Line(text, $"add chain ip {table} {rule.Chain}");
            Line(text, $"flush chain ip {table} {rule.Chain}");
            Line(text, $"add rule ip {table} {rule.Chain} {Target(rule)}");
            if (isNew)
            {
                Line(text, $"add element ip {table} services {{ {Frontend(rule)} : goto {rule.Chain} }}");
            }

            if (options.NodePorts && old?.NodePort != rule.NodePort)
            {
                NodePort(text, "delete", table, old);
                NodePort(text, "add", table, rule);
            }
        }

        foreach (var rule in removed.Where(r => !kept.Contains(r.Chain)))
        {
            Line(text, $"delete element ip {table} services {{ {Frontend(rule)} }}");
            if (options.NodePorts)
            {
                NodePort(text, "delete", table, rule);
            }

            Line(text, $"flush chain ip {table} {rule.Chain}");
            Line(text, $"delete chain ip {table} {rule.Chain}");
        }

        Hairpin(text, "delete", table, hairpinRemoved);
        Hairpin(text, "add", table, hairpinAdded);
    }

    private static string Frontend(ServiceRule rule) => $"{rule.Address} . {rule.Protocol} . {rule.Port}";

    // The map is keyed by the endpoint's number; picking is random, or by the client's address when it shall stick.
    private static string Target(ServiceRule rule)
    {
        var match = $"meta l4proto {rule.Protocol} dnat";
        var comment = $"comment \"{rule.Name}\"";
        if (rule.Targets.Count == 1)
        {
            return $"{match} to {rule.Targets[0].Address}:{rule.Targets[0].Port} {comment}";
        }

        var pick = rule.Sticky ? $"jhash ip saddr mod {rule.Targets.Count} seed 0x4b" : $"numgen random mod {rule.Targets.Count}";
        var map = string.Join(", ", rule.Targets.Select((t, i) => $"{i} : {t.Address} . {t.Port}"));
        return $"{match} ip addr . port to {pick} map {{ {map} }} {comment}";
    }

    private static void NodePort(StringBuilder text, string verb, string table, ServiceRule? rule)
    {
        if (rule is { NodePort: > 0 })
        {
            var verdict = verb == "add" ? $" : goto {rule.Chain}" : "";
            Line(text, $"{verb} element ip {table} nodeports {{ {rule.Protocol} . {rule.NodePort}{verdict} }}");
        }
    }

    private static void Hairpin(StringBuilder text, string verb, string table, IReadOnlyCollection<IPAddress> addresses)
    {
        if (addresses.Count > 0)
        {
            Line(text, $"{verb} element ip {table} hairpin {{ {string.Join(", ", addresses.Select(a => $"{a} . {a}"))} }}");
        }
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
