using Knet.DataPlane.RequestLogs;
using Knet.Serving.Config;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.DataPlane;

public sealed class RequestLogTests
{
    private static readonly LoggedRevision Revision = new("hello-1", "default", "hello", "hello", "hello-1-abc", "10.1.0.2");

    private static readonly RequestLogEntry Entry = new(
        new LoggedRequest(
            "GET", "/a?b=<c>", "HTTP/1.1", "hello.example", "10.1.0.1:4444", -1, false,
            new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase)
            {
                ["user-agent"] = ["curl \"8\""], ["X-A"] = ["1", "2"],
                ["traceparent"] = ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
            }),
        200, 12, TimeSpan.FromMilliseconds(1.5), Revision);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("{{.Request.Method}} {{ .Response.Code }}{{- /* no space */ -}} {{.Response.Size}}", "GET 20012")]
    [InlineData("{{.Response.Latency}}s", "0.0015s")]
    [InlineData("{{js .Request.RequestURI}} {{.Request.UserAgent | js}}", @"/a?b\u003D\u003Cc\u003E curl \""8\""")]
    [InlineData("{{.Request.URL.Path}} {{.Request.URL.RawQuery}} {{.Request.URL}}", "/a b=<c> /a?b=<c>")]
    [InlineData("{{.Request.Header.Get \"x-a\"}} {{.Request.Header.Values `X-A`}} {{index .Request.Header \"X-A\" 1}}", "1 [1 2] 2")]
    [InlineData("{{.Request.ContentLength}} {{.Request.TLS}} {{.Request.Referer}}|", "-1 <nil> |")]
    [InlineData("{{.Revision.Service}}/{{.Revision.PodName}} {{.TraceID}}", "hello/hello-1-abc 0af7651916cd43dd8448eb211c80319c")]
    [InlineData("{{if ge .Response.Code 500}}bad{{else if eq .Response.Code 200 201}}good{{else}}other{{end}}", "good")]
    [InlineData("{{with .Request.Referer}}{{.}}{{else}}{{$.Request.Host}}{{end}}", "hello.example")]
    [InlineData("{{printf \"%5d|%-4s|%q|%.2f\" .Response.Code .Request.Method \"x\" .Response.Latency}}", "  200|GET |\"x\"|0.00")]
    [InlineData("{{if and .Request.Host (not .Request.Referer)}}{{len .Request.Host}}{{end}}", "13")]
    [InlineData("{{\"}}\"}}", "}}")]
    public void Template_SaysWhatGoSays(string template, string line) => Assert.Equal(line, LogTemplate.Parse(template).Render(Entry));

    [Theory]
    [InlineData(12e-6, "1.2e-05")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.1 + 0.2, "0.30000000000000004")]
    [InlineData(120, "120")]
    [InlineData(12.5, "12.5")]
    [InlineData(0, "0")]
    public void Number_IsTheShortestThatMeansIt(double value, string text) => Assert.Equal(text, TemplateFunctions.Text(value));

    [Theory]
    [InlineData("a\n{{.Request.Method", "template: requestLog:2: unclosed action")]
    [InlineData("{{nope .Request}}", "{{nope .Request}}: function \"nope\" not defined")]
    [InlineData("{{if .Request.Host}}x", "{{if .Request.Host}} has no {{end}}")]
    [InlineData("{{end}}", "unexpected {{end}}")]
    [InlineData("{{range .Request.Header}}{{end}}", "{{range}} is not known")]
    [InlineData("{{}}", "missing value for command")]
    [InlineData("{{(.Request.Host}}", "unclosed left paren")]
    public void BadTemplate_SaysWhereAndWhy(string template, string why) =>
        Assert.Contains(why, Assert.Throws<FormatException>(() => LogTemplate.Parse(template)).Message, StringComparison.Ordinal);

    [Fact]
    public void DefaultTemplate_IsUpstreamsJson() => Assert.Equal(
        "{\"httpRequest\": {\"requestMethod\": \"GET\", \"requestUrl\": \"/a?b\\u003D\\u003Cc\\u003E\", \"requestSize\": \"-1\", \"status\": 200, " +
        "\"responseSize\": \"12\", \"userAgent\": \"curl \\\"8\\\"\", \"remoteIp\": \"10.1.0.1:4444\", \"serverIp\": \"10.1.0.2\", " +
        "\"referer\": \"\", \"latency\": \"0.0015s\", \"protocol\": \"HTTP/1.1\"}, \"traceId\": \"0af7651916cd43dd8448eb211c80319c\"}",
        LogTemplate.Parse(new ObservabilityConfig().RequestLogTemplate).Render(Entry));

    [Fact]
    public async Task Request_IsWrittenWithTheBytesOfItsAnswerAndItsTime()
    {
        var (time, lines, book) = (new FakeTimeProvider(), new List<string>(), new RequestLogBook());
        var template = LogTemplate.Parse("{{.Request.RequestURI}} {{.Response.Code}} {{.Response.Size}} {{.Response.Latency}}");
        book.Set("10.1.0.2", new RequestLog(template, false, Revision, time, lines.Add));
        var context = Context("curl/8");
        Assert.Null(book.Begin("10.1.0.3", context));

        var record = book.Begin("10.1.0.2", context)!;
        context.Response.StatusCode = 404;
        await context.Response.Body.WriteAsync("gone"u8.ToArray(), TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(2));
        record.End();
        Assert.Equal(["/x?y 404 4 2"], lines);

        book.Begin("10.1.0.2", context)!.Abandon();
        Assert.Single(lines);
        book.Set("10.1.0.2", null);
        Assert.Null(book.Begin("10.1.0.2", context));
    }

    [Fact]
    public void Probe_HasALineOnlyWhenAskedFor()
    {
        var template = LogTemplate.Parse("x");
        Assert.Null(new RequestLog(template, false, Revision, TimeProvider.System, _ => { }).Begin(Context("kube-probe/1.32")));
        Assert.NotNull(new RequestLog(template, true, Revision, TimeProvider.System, _ => { }).Begin(Context("kube-probe/1.32")));
    }

    private static DefaultHttpContext Context(string agent)
    {
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        context.Request.Headers.UserAgent = agent;
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/x?y";
        return context;
    }
}
