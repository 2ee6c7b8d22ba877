using System.Net;
using Knet.Node.Network;
using Xunit;

namespace Knet.Tests.Unit.Node.Network;

/// <summary>The rules of safety, as text: who may reach what.</summary>
public sealed class HostRulesTests
{
    private static readonly NetworkOptions Options = new();

    [Fact]
    public void Program_ReplacesTheWholeTable() =>
        Assert.StartsWith(
            "table ip knet\ndelete table ip knet\ntable ip knet {\n", HostRules.Program(Options, []), StringComparison.Ordinal);

    [Fact]
    public void EgressOff_RefusesAfterPodsAndBeforeAnythingElse()
    {
        var lines = Forward(Options with { Egress = Egress.Off }, "eth0", "eth1");
        Assert.Equal(
            [
                "type filter hook forward priority filter; policy accept;",
                "iifname \"knp*\" ip daddr 169.254.0.0/16 drop",
                "ip daddr 10.43.0.0/16 goto refuse",
                "iifname \"knp*\" oifname \"knp*\" accept",
                "iifname \"knp*\" ct state established,related accept",
                "iifname \"knp*\" reject with icmp admin-prohibited comment \"egress is off\"",
                "oifname \"knp*\" ct state established,related accept",
                "oifname \"knp*\" ct status dnat accept",
                "oifname \"knp*\" drop comment \"pods are reached through Services only\"",
                "iifname { \"eth0\", \"eth1\" } oifname { \"eth0\", \"eth1\" } drop comment \"these forwarded nothing before\"",
            ],
            lines);
    }

    [Fact]
    public void EgressMasqueraded_LetsPodsOut() => Assert.Contains("iifname \"knp*\" accept", Forward(Options));

    [Fact]
    public void InterfacesThatForwarded_GoOnForwarding() => Assert.Contains("oifname \"knp*\" drop", Forward(Options)[^1]);

    [Fact]
    public void Masquerading_CoversPodsOnOtherInterfacesOnly() => Assert.Contains(
        "ip saddr 10.42.0.0/16 oifname != \"knp*\" oifname != \"knet0\" oifname != \"lo\" masquerade", HostRules.Program(Options, []));

    [Fact]
    public void Gateway_IsTheFirstAddress() => Assert.Equal(IPAddress.Parse("10.42.0.1"), Options.GatewayAddress);

    [Theory]
    [InlineData("10.42.0.0/24", "10.42.0.0/16", "ServiceRange")]
    [InlineData("fd00::/64", "10.43.0.0/16", "PodRange")]
    [InlineData("10.42.0.0/30", "10.43.0.0/16", "PodRange")]
    public void RangesThatCannotWork_AreNamed(string pods, string services, string member) => Assert.Contains(
        member,
        Assert.Throws<ArgumentException>(new NetworkOptions
        {
            PodRange = IPNetwork.Parse(pods), ServiceRange = IPNetwork.Parse(services),
        }.Validate).Message);

    private static string[] Forward(NetworkOptions options, params string[] closed)
    {
        var lines = HostRules.Program(options, closed).Split('\n').Select(l => l.Trim()).ToList();
        var start = lines.IndexOf("chain forward {") + 1;
        return [.. lines.Skip(start).TakeWhile(l => l != "}").Where(l => l.Length > 0)];
    }
}
