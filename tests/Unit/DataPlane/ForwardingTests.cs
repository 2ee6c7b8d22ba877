using System.Net;
using System.Net.Http;
using Knet.DataPlane.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.DataPlane;

public sealed class ForwardingTests
{
    [Theory]
    [InlineData("/a%2Fb/../c?x=%41", "/a%2Fb/../c?x=%41")]
    [InlineData("http://host/p?q", "/p?q")]
    [InlineData("http://host?q", "/?q")]
    [InlineData("http://host", "/")]
    public void OriginForm_KeepsPathAndQueryByteForByte(string target, string expected) =>
        Assert.Equal(expected, Exchange.OriginForm(target));

    [Fact]
    public void Forwarded_FirstHop_IsSynthesised()
    {
        var headers = new HeaderDictionary();
        ForwardedHeaders.Set(headers, IPAddress.Parse("10.1.2.3"), "http");
        Assert.Equal("10.1.2.3", headers["X-Forwarded-For"]);
        Assert.Equal("http", headers["X-Forwarded-Proto"]);
        Assert.Equal("for=10.1.2.3;proto=http", headers["Forwarded"]);
    }

    [Fact]
    public void Forwarded_BehindAnotherProxy_IsAppendedTo()
    {
        var headers = new HeaderDictionary
        {
            ["X-Forwarded-For"] = "9.9.9.9", ["X-Forwarded-Proto"] = "https", ["X-Forwarded-Host"] = "shop.example",
        };
        ForwardedHeaders.Set(headers, IPAddress.IPv6Loopback, "http");
        Assert.Equal("9.9.9.9, ::1", headers["X-Forwarded-For"]);
        Assert.Equal("for=9.9.9.9;host=shop.example;proto=https, for=\"[::1]\"", headers["Forwarded"]);
    }

    [Fact]
    public void Prepare_ControlHeaders_ReachNoProgram()
    {
        var context = new DefaultHttpContext();
        var headers = context.Request.Headers;
        string[] control =
            ["Knative-Serving-Revision", "Knative-Serving-Namespace", "K-Network-Hash", "K-Proxy-Request", "K-Original-Host"];
        foreach (var name in control)
        {
            headers[name] = "x";
        }

        headers["K-Other"] = "stays";
        using var exchange = new Exchange(new FakeTimeProvider());
        exchange.Prepare(context, null);
        Assert.Equal(
            ["Forwarded", "K-Other", "X-Forwarded-Proto", "traceparent"],
            headers.Keys.Where(k => k != "Host").Order(StringComparer.Ordinal));
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", headers["traceparent"].ToString());
    }

    [Fact]
    public void Deadlines_ResponseStartThenTotal_Expire()
    {
        var time = new FakeTimeProvider();
        using var exchange = new Exchange(time);
        exchange.Begin(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(3));
        time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(exchange.Expired);
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(exchange.Expired);
        Assert.True(exchange.Token.IsCancellationRequested);
        Assert.False(exchange.End());
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, false)]
    [InlineData(HttpStatusCode.SwitchingProtocols, true)]
    public async Task ResponseStart_AnUpgradeIsNoAnswerYet(HttpStatusCode status, bool expires)
    {
        var time = new FakeTimeProvider();
        using var exchange = new Exchange(time);
        using var response = new HttpResponseMessage(status);
        exchange.Begin(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(3));
        await exchange.TransformResponseAsync(new DefaultHttpContext(), response, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(expires, exchange.Expired);
    }

    [Fact]
    public void Deadlines_RequestEnded_NeverReachTheNext()
    {
        var time = new FakeTimeProvider();
        using var exchange = new Exchange(time);
        exchange.Begin(TimeSpan.FromSeconds(10), TimeSpan.Zero);
        Assert.True(exchange.End());
        exchange.Begin(TimeSpan.FromSeconds(60), TimeSpan.Zero);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.False(exchange.Expired);
        time.Advance(TimeSpan.FromSeconds(31));
        Assert.True(exchange.Expired);
    }
}
