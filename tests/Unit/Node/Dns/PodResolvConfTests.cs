using System.Net;
using k8s.Models;
using Knet.Node.Dns;
using Xunit;

namespace Knet.Tests.Unit.Node.Dns;

public sealed class PodResolvConfTests
{
    private const string HostText = "# the host\nnameserver 192.0.2.53\nnameserver 127.0.0.53\nsearch corp.example .\noptions edns0\n";

    private readonly PodResolvConf _conf = new(
        IPAddress.Parse("10.42.0.1"), "cluster.local", () => HostText);

    [Fact]
    public void ClusterFirst_SearchesTheNamespaceFirst() => Assert.Equal(
        "nameserver 10.42.0.1\nsearch blue.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n",
        _conf.Write(Pod(null)));

    [Fact]
    public void Default_IsTheHostsWithItsLoopbackReplaced() => Assert.Equal(
        "nameserver 192.0.2.53\nnameserver 10.42.0.1\nsearch corp.example\noptions edns0\n", _conf.Write(Pod("Default")));

    [Fact]
    public void None_IsDnsConfigAlone() => Assert.Equal(
        "nameserver 10.9.9.9\nsearch a.example\noptions timeout:1 rotate\n",
        _conf.Write(Pod("None", new V1PodDNSConfig
        {
            Nameservers = ["10.9.9.9"],
            Searches = ["a.example"],
            Options = [new() { Name = "timeout", Value = "1" }, new() { Name = "rotate" }],
        })));

    [Fact]
    public void DnsConfig_AddsAndOverrides() => Assert.Equal(
        "nameserver 10.42.0.1\nnameserver 10.9.9.9\n"
        + "search blue.svc.cluster.local svc.cluster.local cluster.local corp.example a.example\noptions ndots:2\n",
        _conf.Write(Pod("ClusterFirst", new V1PodDNSConfig
        {
            Nameservers = ["10.9.9.9", "10.42.0.1"],
            Searches = ["a.example", "cluster.local"],
            Options = [new() { Name = "ndots", Value = "2" }],
        })));

    [Theory]
    [InlineData("ClusterFirst", "nameserver 192.0.2.53")]
    [InlineData("ClusterFirstWithHostNet", "nameserver 10.42.0.1")]
    public void HostNetwork_ResolvesLikeTheHostUnlessTold(string policy, string first)
    {
        var pod = Pod(policy);
        pod.Spec.HostNetwork = true;
        Assert.StartsWith(first, _conf.Write(pod), StringComparison.Ordinal);
    }

    private static V1Pod Pod(string? policy, V1PodDNSConfig? config = null) => new()
    {
        Metadata = new() { Name = "p", NamespaceProperty = "blue" },
        Spec = new V1PodSpec { Containers = [], DnsPolicy = policy, DnsConfig = config },
    };
}
