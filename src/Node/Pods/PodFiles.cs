using System.Text;
using k8s.Models;

namespace Knet.Node.Pods;

/// <summary>The files under /etc that every container of a pod sees.</summary>
internal static class PodFiles
{
    /// <summary>Writes hosts, hostname and resolv.conf into the pod's directory.</summary>
    public static void Write(PodContext pod, string ip)
    {
        Directory.CreateDirectory(pod.Directory);
        var domain = pod.Node.Options.ClusterDomain;
        File.WriteAllText(Path.Combine(pod.Directory, "hosts"), Hosts(pod.Pod, ip, domain));
        File.WriteAllText(Path.Combine(pod.Directory, "hostname"), Hostname(pod.Pod, domain) + "\n");
        File.WriteAllText(Path.Combine(pod.Directory, "resolv.conf"), pod.Node.Network.ResolvConf(pod.Pod));
    }

    /// <summary>What <c>hostname</c> says: the pod's short name or, with setHostnameAsFQDN, its name in DNS.</summary>
    public static string Hostname(V1Pod pod, string clusterDomain) =>
        pod.Spec.SetHostnameAsFQDN == true && Domain(pod, clusterDomain) is { } domain ? $"{ShortName(pod)}.{domain}" : ShortName(pod);

    /// <summary>At most 63 characters, as the kernel takes.</summary>
    private static string ShortName(V1Pod pod)
    {
        var name = string.IsNullOrEmpty(pod.Spec.Hostname) ? pod.Metadata.Name : pod.Spec.Hostname;
        return name.Length <= 63 ? name : name[..63].TrimEnd('-', '.');
    }

    private static string? Domain(V1Pod pod, string clusterDomain) =>
        string.IsNullOrEmpty(pod.Spec.Subdomain) ? null : $"{pod.Spec.Subdomain}.{pod.Metadata.NamespaceProperty}.svc.{clusterDomain}";

    public static string Hosts(V1Pod pod, string ip, string clusterDomain)
    {
        var text = new StringBuilder("""
            # Kubernetes-managed hosts file.
            127.0.0.1	localhost
            ::1	localhost ip6-localhost ip6-loopback
            fe00::0	ip6-localnet
            fe00::0	ip6-mcastprefix
            fe00::1	ip6-allnodes
            fe00::2	ip6-allrouters

            """);
        text.Append(ip).Append('\t');
        var hostname = ShortName(pod);
        if (Domain(pod, clusterDomain) is { } domain)
        {
            text.Append($"{hostname}.{domain}\t");
        }

        text.Append(hostname).Append('\n');
        if (pod.Spec.HostAliases is { Count: > 0 } aliases)
        {
            text.Append("\n# Entries added by HostAliases.\n");
            foreach (var alias in aliases)
            {
                text.Append(alias.Ip).Append('\t').AppendJoin('\t', alias.Hostnames ?? []).Append('\n');
            }
        }

        return text.ToString();
    }
}
