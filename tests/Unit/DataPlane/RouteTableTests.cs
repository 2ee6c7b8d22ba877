using Knet.DataPlane.Routing;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Knet.Tests.Unit.DataPlane;

public sealed class RouteTableTests
{
    [Theory]
    [InlineData("hello.example.com", "hello.example.com")]
    [InlineData("HELLO.example.com:8080", "hello.example.com")]
    [InlineData("hello.example.com.", "hello.example.com")]
    [InlineData("[::1]:80", "[::1]")]
    [InlineData("[::1]", "[::1]")]
    public void Find_HostHeader_IgnoresPortCaseAndFinalDot(string header, string host)
    {
        var table = new RouteTable();
        var route = Of([Path("", 100)]);
        table.Set(host, route);
        Assert.Same(route, table.Find(header));
        Assert.Null(table.Find("other." + header));
    }

    [Fact]
    public void Find_AmongManyHosts_AllocatesNothing()
    {
        var table = new RouteTable();
        for (var i = 0; i < 5_000; i++)
        {
            table.Set($"svc-{i}.default.example.com", Of([Path("", 50, 50)]));
        }

        var headers = new HeaderDictionary();
        Assert.True(Lookups(table, headers, 1_000) > 0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Lookups(table, headers, 10_000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256);
    }

    [Fact]
    public void Match_SeveralPaths_LongestPrefixThenMostHeadersWins()
    {
        var plain = Path("/api", 100);
        var tagged = new RoutePath("/api", [new HeaderRule("Knative-Serving-Tag", "blue")], [new Split(100, Backend)]);
        var deep = Path("/api/v1", 100);
        var route = Of([plain, tagged, deep]);
        var blue = new HeaderDictionary { ["Knative-Serving-Tag"] = "blue" };
        var red = new HeaderDictionary { ["Knative-Serving-Tag"] = "red" };
        Assert.Same(deep, route.Match("/api/v1/x", blue));
        Assert.Same(tagged, route.Match("/api/v2", blue));
        Assert.Same(plain, route.Match("/api/v2", red));
        Assert.Null(route.Match("/other", red));
    }

    [Fact]
    public void Choose_Splits_AreProportionalAndZeroGetsNothing()
    {
        var path = Path("", 20, 0, 80);
        var counts = Enumerable.Range(0, 1_000).GroupBy(i => path.Choose(i)!.Percent).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal(new Dictionary<int, int> { [20] = 200, [80] = 800 }, counts);
        Assert.Null(Path("").Choose(7));
    }

    private static AddressBackend Backend { get; } = new([], false);

    private static int Lookups(RouteTable table, HeaderDictionary headers, int count)
    {
        var found = 0;
        for (var i = 0; i < count; i++)
        {
            found += table.Find("svc-4711.default.example.com:8080")!.Match("/a/b", headers)!.Choose(i)!.Percent;
        }

        return found;
    }

    private static Route Of(RoutePath[] paths) => new("hash", false, paths);

    private static RoutePath Path(string prefix, params int[] percents) => new(prefix, [], percents.Select(p => new Split(p, Backend)));
}
