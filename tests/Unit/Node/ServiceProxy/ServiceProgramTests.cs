using k8s.Models;
using Knet.Api.Meta;
using Knet.Node.Network;
using Knet.Node.ServiceProxy;
using Xunit;

namespace Knet.Tests.Unit.Node.ServiceProxy;

/// <summary>The nftables programs of Services, letter by letter.</summary>
public sealed class ServiceProgramTests
{
    private static readonly NetworkOptions Options = new();
    private static readonly ObjectKey Key = new("default", "web");

    [Fact]
    public void Full_ReplacesTheTable() => Assert.Equal(
        """
        table ip knet-services
        delete table ip knet-services
        table ip knet-services {
          map services { type ipv4_addr . inet_proto . inet_service : verdict; }
          map nodeports { type inet_proto . inet_service : verdict; }
          set hairpin { type ipv4_addr . ipv4_addr; }
          chain dispatch {
            ip daddr . meta l4proto . th dport vmap @services

          }
          chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump dispatch; }
          chain output { type nat hook output priority -100; policy accept; jump dispatch; }
          chain postrouting {
            type nat hook postrouting priority srcnat - 5; policy accept;
            ct status dnat ip saddr . ip daddr @hairpin snat to 10.42.0.1 comment "a pod that meets itself through its Service"
          }
        }
        add chain ip knet-services svc-10.43.0.7-tcp-80
        flush chain ip knet-services svc-10.43.0.7-tcp-80
        add rule ip knet-services svc-10.43.0.7-tcp-80 meta l4proto tcp dnat to 10.42.0.5:8080 comment "default/web:80"
        add element ip knet-services services { 10.43.0.7 . tcp . 80 : goto svc-10.43.0.7-tcp-80 }
        add element ip knet-services hairpin { 10.42.0.5 . 10.42.0.5 }

        """,
        ServiceProgram.Full(Options, Rules("10.42.0.5")));

    [Fact]
    public void NewEndpoint_ChangesItsChainOnly() => Assert.Equal(
        "add chain ip knet-services svc-10.43.0.7-tcp-80\n"
        + "flush chain ip knet-services svc-10.43.0.7-tcp-80\n"
        + "add rule ip knet-services svc-10.43.0.7-tcp-80 meta l4proto tcp dnat ip addr . port to "
        + "numgen random mod 2 map { 0 : 10.42.0.5 . 8080, 1 : 10.42.0.6 . 8080 } comment \"default/web:80\"\n",
        ServiceProgram.Change(Options, new RuleChange(Rules("10.42.0.5"), Rules("10.42.0.5", "10.42.0.6"), [], [])));

    [Fact]
    public void LastEndpointGone_RemovesElementThenChain() => Assert.Equal(
        """
        delete element ip knet-services services { 10.43.0.7 . tcp . 80 }
        flush chain ip knet-services svc-10.43.0.7-tcp-80
        delete chain ip knet-services svc-10.43.0.7-tcp-80

        """,
        ServiceProgram.Change(Options, new RuleChange(Rules("10.42.0.5"), Rules(), [], [])));

    [Fact]
    public void StickyService_PicksByTheClientsAddress() => Assert.Contains(
        "dnat ip addr . port to jhash ip saddr mod 2 seed 0x4b map",
        ServiceProgram.Change(
            Options, new RuleChange([], ServiceRule.Of(Entry(s => s.SessionAffinity = "ClientIP", "10.42.0.5", "10.42.0.6")), [], [])));

    [Fact]
    public void NodePort_IsOpenedOnlyWhenTheOptionSaysSo()
    {
        var rules = ServiceRule.Of(Entry(s => s.Ports[0].NodePort = 31000, "10.42.0.5"));
        Assert.DoesNotContain("31000", ServiceProgram.Full(Options, rules));
        Assert.Contains("add element ip knet-services nodeports { tcp . 31000 : goto svc-10.43.0.7-tcp-80 }",
            ServiceProgram.Full(Options with { NodePorts = true }, rules));
    }

    [Fact]
    public void EndpointOutsideThePods_IsNoHairpin() => Assert.Empty(ServiceProgram.Addresses(Options, Rules("192.0.2.9")));

    [Fact]
    public void HeadlessAndExternalNames_HaveNoRules()
    {
        Assert.Empty(ServiceRule.Of(Entry(s => s.ClusterIP = "None", "10.42.0.5")));
        Assert.Empty(ServiceRule.Of(Entry(s => s.Type = "ExternalName", "10.42.0.5")));
    }

    [Fact]
    public void Ports_MeetTheirNames()
    {
        var entry = Entry(s => s.Ports[0].Name = "http", "10.42.0.5");
        Assert.Empty(ServiceRule.Of(entry));
        Assert.Single(ServiceRule.Of(entry with
        {
            Backends = [entry.Backends[0] with { Ports = [new("http", "TCP", 8080), new("http", "UDP", 8081)] }],
        }));
    }

    [Fact]
    public void Endpoints_WinOverSlices()
    {
        var directory = new ServiceDirectory();
        var changes = new List<ObjectKey>();
        directory.Changed += changes.Add;
        directory.SetService(Key, Service(_ => { }));
        var slice = new V1EndpointSlice
        {
            Metadata = new() { Labels = new Dictionary<string, string> { ["kubernetes.io/service-name"] = "web" } },
            AddressType = "IPv4",
            Endpoints = [Endpoint("10.42.0.8", true), Endpoint("10.42.0.9", false)],
            Ports = [new() { Port = 8080, Protocol = "TCP" }],
        };
        directory.SetSlice(new("default", "web-x"), null, slice);
        Assert.Equal("10.42.0.8", Assert.Single(directory.Find("default", "web")!.Backends).Address.ToString());
        directory.SetEndpoints(Key, Endpoints("10.42.0.5"));
        Assert.Equal("10.42.0.5", Assert.Single(directory.Find("default", "web")!.Backends).Address.ToString());
        directory.SetEndpoints(Key, null);
        directory.SetSlice(new("default", "web-x"), slice, null);
        Assert.Empty(directory.Find("default", "web")!.Backends);
        Assert.Equal(5, changes.Count(k => k == Key));
    }

    [Fact]
    public void ReusedClusterIp_BelongsToTheNewService()
    {
        var directory = new ServiceDirectory();
        directory.SetService(Key, Service(_ => { }));
        directory.SetService(new("default", "next"), Service(s => { }, "next"));
        directory.SetService(Key, null);
        Assert.Equal("next", directory.FindByClusterIp(System.Net.IPAddress.Parse("10.43.0.7"))?.Key.Name);
    }

    private static IReadOnlyList<ServiceRule> Rules(params string[] ips) => ServiceRule.Of(Entry(_ => { }, ips));

    private static ServiceEntry Entry(Action<V1ServiceSpec> change, params string[] ips)
    {
        var directory = new ServiceDirectory();
        directory.SetService(Key, Service(change));
        directory.SetEndpoints(Key, Endpoints(ips));
        return directory.Find("default", "web")!;
    }

    private static V1Service Service(Action<V1ServiceSpec> change, string name = "web")
    {
        var spec = new V1ServiceSpec { ClusterIP = "10.43.0.7", Ports = [new V1ServicePort { Port = 80, Protocol = "TCP" }] };
        change(spec);
        return new V1Service { Metadata = new() { Name = name, NamespaceProperty = "default" }, Spec = spec };
    }

    private static V1Endpoint Endpoint(string ip, bool ready) => new() { Addresses = [ip], Conditions = new() { Ready = ready } };

    private static V1Endpoints Endpoints(params string[] ips) => new()
    {
        Subsets =
        [
            new()
            {
                Addresses = [.. ips.Select(i => new V1EndpointAddress { Ip = i })],
                Ports = [new() { Port = 8080, Protocol = "TCP" }],
            },
        ],
    };
}
