using k8s.Models;
using Knet.Node.Dns;
using Xunit;

namespace Knet.Tests.Unit.Node.Dns;

/// <summary>Names of the cluster, after Kubernetes' DNS specification, and those of the machine.</summary>
public sealed class ClusterDnsTests
{
    private readonly DnsTestClient _dns = new DnsTestClient()
        .Service("web", "10.43.0.7", new V1ServicePort { Name = "http", Port = 80, Protocol = "TCP" })
        .Service("db", "None", new V1ServicePort { Name = "sql", Port = 5432, Protocol = "TCP" })
        .Endpoints("db", 5432, "sql", ("10.42.0.5", "db-0"), ("10.42.0.6", null))
        .Service("empty", "None")
        .Service("away", new V1ServiceSpec { Type = "ExternalName", ExternalName = "example.org" })
        .Service("alias", new V1ServiceSpec { Type = "ExternalName", ExternalName = "web.default.svc.cluster.local" });

    [Theory]
    [InlineData("web.default.svc.cluster.local", "NoError | A 10.43.0.7")]
    [InlineData("WEB.Default.SVC.cluster.local", "NoError | A 10.43.0.7")]
    [InlineData("_http._tcp.web.default.svc.cluster.local", "NoError | A 10.43.0.7")]
    [InlineData("nobody.default.svc.cluster.local", "NameError | Soa")]
    [InlineData("web.other.svc.cluster.local", "NameError | Soa")]
    [InlineData("default.svc.cluster.local", "NoError | Soa")]
    [InlineData("other.svc.cluster.local", "NameError | Soa")]
    [InlineData("svc.cluster.local", "NoError | Soa")]
    [InlineData("db-0.db.default.svc.cluster.local", "NoError | A 10.42.0.5")]
    [InlineData("10-42-0-6.db.default.svc.cluster.local", "NoError | A 10.42.0.6")]
    [InlineData("db-9.db.default.svc.cluster.local", "NameError | Soa")]
    [InlineData("empty.default.svc.cluster.local", "NameError | Soa")]
    [InlineData("away.default.svc.cluster.local", "NoError | Cname example.org")]
    [InlineData("alias.default.svc.cluster.local", "NoError | Cname web.default.svc.cluster.local | A 10.43.0.7")]
    [InlineData("10-42-0-9.default.pod.cluster.local", "NoError | A 10.42.0.9")]
    [InlineData("10-42-0-999.default.pod.cluster.local", "NameError | Soa")]
    [InlineData("host.knet.internal", "NoError | A 10.42.0.1")]
    [InlineData("registry.knet.internal", "NoError | A 10.42.0.1")]
    [InlineData("other.knet.internal", "NameError | Soa")]
    [InlineData("hello.default.localhost", "NoError | A 10.43.0.80")]
    [InlineData("localhost", "NoError | A 127.0.0.1")]
    [InlineData("example.com", "NameError")]
    [InlineData("hello.default.localhost.default.svc.cluster.local", "NameError | Soa")]
    public void Addresses_AreAnswered(string name, string answer) => Assert.Equal(answer, _dns.Ask(name));

    [Fact]
    public void Headless_StandsForItsEndpointsInTurn()
    {
        Assert.Equal(
            ["NoError | A 10.42.0.5 | A 10.42.0.6", "NoError | A 10.42.0.6 | A 10.42.0.5"],
            new[] { Turn(0), Turn(1) }.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("web.default.svc.cluster.local", DnsType.Aaaa, "NoError | Soa")]
    [InlineData("nobody.default.svc.cluster.local", DnsType.Aaaa, "NameError | Soa")]
    [InlineData("_http._tcp.web.default.svc.cluster.local", DnsType.Srv, "NoError | Srv 80 web.default.svc.cluster.local")]
    [InlineData("_sql._tcp.db.default.svc.cluster.local", DnsType.Srv,
        "NoError | Srv 5432 db-0.db.default.svc.cluster.local | Srv 5432 10-42-0-6.db.default.svc.cluster.local")]
    [InlineData("_sql._udp.db.default.svc.cluster.local", DnsType.Srv, "NameError | Soa")]
    [InlineData("7.0.43.10.in-addr.arpa", DnsType.Ptr, "NoError | Ptr web.default.svc.cluster.local")]
    [InlineData("5.0.42.10.in-addr.arpa", DnsType.Ptr, "NoError | Ptr db-0.db.default.svc.cluster.local")]
    [InlineData("1.0.42.10.in-addr.arpa", DnsType.Ptr, "NoError | Ptr host.knet.internal")]
    [InlineData("8.0.43.10.in-addr.arpa", DnsType.Ptr, "NameError | Soa")]
    [InlineData("8.8.8.8.in-addr.arpa", DnsType.Ptr, "NameError")]
    [InlineData("away.default.svc.cluster.local", DnsType.Cname, "NoError | Cname example.org")]
    [InlineData("cluster.local", DnsType.Ns, "NoError | Ns ns.dns.cluster.local")]
    [InlineData("dns-version.cluster.local", DnsType.Txt, "NoError | Txt")]
    public void OtherTypes_AreAnswered(string name, object type, string answer) => Assert.Equal(answer, _dns.Ask(name, (DnsType)type));

    [Fact]
    public void DeletedService_IsGoneAtOnce()
    {
        _dns.Directory.SetService(new("default", "web"), null);
        Assert.Equal("NameError | Soa", _dns.Ask("web.default.svc.cluster.local"));
        Assert.Equal("NameError | Soa", _dns.Ask("7.0.43.10.in-addr.arpa", DnsType.Ptr));
    }

    // A resolver of its own per question, so the turn is taken by hand.
    private string Turn(int before)
    {
        var zone = new ClusterZone(DnsTestClient.Options, _dns.Directory);
        for (var i = 0; i < before; i++)
        {
            zone.Answer("db.default.svc.cluster.local", DnsType.A);
        }

        var answer = zone.Answer("db.default.svc.cluster.local", DnsType.A)!;
        return $"{answer.Code} | {string.Join(" | ", answer.Records.Select(r => $"{r.Type} {string.Join('.', r.Data)}"))}";
    }
}
