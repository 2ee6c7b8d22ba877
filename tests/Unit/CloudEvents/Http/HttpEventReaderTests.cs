using System.Text;
using Knet.CloudEvents;
using Knet.CloudEvents.Http;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Knet.Tests.Unit.CloudEvents.Http;

public sealed class HttpEventReaderTests
{
    [Fact]
    public void Binary_AttributesFromHeaders_DataIsTheBodyItself()
    {
        var body = "{\"a\":1}"u8.ToArray();
        var read = HttpEventReader.Read(Headers(("CE-Subject", "Euro%20%E2%82%AC"), ("ce-myext", "5"), ("x-other", "no")), body);
        Assert.Equal("Euro €", read.Find("subject"));
        Assert.Equal("application/json", read.DataContentType);
        Assert.Equal(AttributeKind.String, read.Attributes.Single(a => a.Name == "myext").Kind);
        Assert.Null(read.Find("other"));
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(read.Data, out var segment));
        Assert.Same(body, segment.Array);
    }

    [Theory]
    [InlineData("ce-id", null, "id: missing")]
    [InlineData("ce-id", "", "id: empty")]
    [InlineData("ce-type", null, "type: missing")]
    [InlineData("ce-source", null, "source: missing")]
    [InlineData("ce-source", "a b", "source: \"a b\" is not a URI reference")]
    [InlineData("ce-specversion", "2.0", "specversion: \"2.0\" is not supported")]
    [InlineData("ce-time", "yesterday", "time: \"yesterday\" is not an RFC 3339 time")]
    [InlineData("ce-my-ext", "1", "\"my-ext\": not an attribute name")]
    [InlineData("ce-data", "1", "\"data\": not an attribute name")]
    [InlineData("ce-ext", "a%0D%0Aset-cookie:%20b", "ext: has the control character U+000D")]
    [InlineData("ce-ext", "a%FF", "not UTF-8")]
    [InlineData("ce-datacontenttype", "text/plain", "Content-Type header")]
    public void Binary_BadEvents_AreRefusedWithTheCause(string header, string? value, string cause)
    {
        var headers = Headers();
        headers.Remove(header);
        if (value is not null)
        {
            headers[header] = value;
        }
        var refused = Assert.Throws<CloudEventException>(() => HttpEventReader.Read(headers, default));
        Assert.Equal(400, refused.StatusCode);
        Assert.Contains(cause, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Binary_HeaderTwice_IsRefused()
    {
        var headers = Headers();
        headers["ce-id"] = new Microsoft.Extensions.Primitives.StringValues(["1", "2"]);
        var refused = Assert.Throws<CloudEventException>(() => HttpEventReader.Read(headers, default));
        Assert.Contains("given twice", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoEventAtAll_SaysBothWays()
    {
        var refused = Assert.Throws<CloudEventException>(() => HttpEventReader.Read(new HeaderDictionary(), default));
        Assert.Contains("ce-specversion", refused.Message, StringComparison.Ordinal);
        Assert.Contains("application/cloudevents+json", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OldVersion_IsTakenAndNotUpgraded()
    {
        var headers = Headers();
        headers["ce-specversion"] = "0.3";
        Assert.Equal("0.3", HttpEventReader.Read(headers, default).SpecVersion);
    }

    [Fact]
    public void Structured_KeepsTypesAndRawJson()
    {
        var read = Structured("""{"specversion":"1.0","id":"1","source":"/s","type":"t","num":-3,"flag":true,"gone":null,"data": {"a" : [1, 2]} }""");
        Assert.Equal(new EventAttribute("num", "-3", AttributeKind.Integer), read.Attributes.Single(a => a.Name == "num"));
        Assert.Equal(AttributeKind.Boolean, read.Attributes.Single(a => a.Name == "flag").Kind);
        Assert.Null(read.Find("gone"));
        Assert.Equal("""{"a" : [1, 2]}""", Encoding.UTF8.GetString(read.Data.Span));
    }

    [Theory]
    [InlineData("""{"datacontenttype":"text/plain","data":"h\u00e9"}""", "hé")]
    [InlineData("""{"datacontenttype":"application/json","data":"h"}""", "\"h\"")]
    [InlineData("""{"data":"h"}""", "\"h\"")]
    [InlineData("""{"data_base64":"aGk="}""", "hi")]
    [InlineData("""{"specversion":"0.3","datacontentencoding":"base64","data":"aGk="}""", "hi")]
    [InlineData("""{"data":null}""", "")]
    public void Structured_DataByItsType(string members, string data)
    {
        var with = members.Contains("specversion", StringComparison.Ordinal) ? "" : "\"specversion\":\"1.0\",";
        var read = Structured("{" + with + "\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"," + members[1..]);
        Assert.Equal(data, Encoding.UTF8.GetString(read.Data.Span));
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "is a JSON object")]
    [InlineData("""{"specversion":"1.0","id":1,"source":"/s","type":"t"}""", "id: must be a string")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s"}""", "type: missing")]
    [InlineData("""{"specversion":"1.0","id":"1","id":"2","source":"/s","type":"t"}""", "id: given twice")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","x":1.5}""", "x: numbers are whole")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","x":{}}""", "x: must be a string, a number or a boolean")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","x":"a\r\nb"}""", "x: has the control character")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","X":"a"}""", "not an attribute name")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"data_base64":""}""", "there is data already")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"%"}""", "data_base64: must be")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/s","type":"t"} 1""", "after")]
    public void Structured_BadEvents_AreRefusedWithTheCause(string json, string cause)
    {
        var refused = Assert.Throws<CloudEventException>(() => Structured(json));
        Assert.Equal(400, refused.StatusCode);
        Assert.Contains(cause, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batch_OneBadEvent_NamesItsIndex()
    {
        const string Good = """{"specversion":"1.0","id":"1","source":"/s","type":"t"}""";
        Assert.Equal(2, HttpEventReader.ReadBatch(Encoding.UTF8.GetBytes($"[{Good},{Good}]")).Count);
        Assert.Empty(HttpEventReader.ReadBatch("[]"u8.ToArray()));
        var bad = Good.Replace("\"id\":\"1\",", "", StringComparison.Ordinal);
        Assert.StartsWith("[1]: id: missing", Refused($"[{Good},{bad}]").Message, StringComparison.Ordinal);
        Assert.StartsWith("[1]: the body is not valid JSON", Refused($"[{Good},").Message, StringComparison.Ordinal);
        Assert.Equal(413, Refused($"[{Good},{Good},{Good}]").StatusCode);
        static CloudEventException Refused(string json) =>
            Assert.Throws<CloudEventException>(() => HttpEventReader.ReadBatch(Encoding.UTF8.GetBytes(json), 2));
    }

    [Fact]
    public void UnknownFormats_AreRefused()
    {
        Assert.Equal(415, Assert.Throws<CloudEventException>(() => MediaTypes.ModeOf("application/cloudevents+avro")).StatusCode);
        Assert.Equal(415, Assert.Throws<CloudEventException>(() => MediaTypes.ModeOf("application/cloudevents+json; charset=utf-16")).StatusCode);
        Assert.Equal(EventMode.Structured, MediaTypes.ModeOf("Application/CloudEvents+JSON;charset=UTF-8"));
        Assert.Equal(EventMode.Batch, MediaTypes.ModeOf("application/cloudevents-batch+json"));
        Assert.Equal(EventMode.Binary, MediaTypes.ModeOf(null));
    }

    [Theory]
    [InlineData(true, 10, 10, true)]
    [InlineData(true, 11, 10, false)]
    [InlineData(false, 10, 10, true)]
    [InlineData(false, 11, 10, false)]
    [InlineData(false, 100_000, 200_000, true)]
    [InlineData(false, 0, 10, true)]
    public async Task Body_UpToTheLimit(bool hasLength, int size, int limit, bool isTaken)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(new byte[size]);
        context.Request.ContentLength = hasLength ? size : null;
        if (isTaken)
        {
            Assert.Equal(size, (await HttpEventReader.ReadBodyAsync(context.Request, limit, TestContext.Current.CancellationToken)).Length);
            return;
        }
        var refused = await Assert.ThrowsAsync<CloudEventException>(
            async () => await HttpEventReader.ReadBodyAsync(context.Request, limit, TestContext.Current.CancellationToken));
        Assert.Equal(413, refused.StatusCode);
    }

    private static CloudEvent Structured(string json)
    {
        var headers = new HeaderDictionary { ["Content-Type"] = "application/cloudevents+json" };
        return HttpEventReader.Read(headers, Encoding.UTF8.GetBytes(json));
    }

    private static HeaderDictionary Headers(params (string Name, string Value)[] more)
    {
        var headers = new HeaderDictionary
        {
            ["ce-specversion"] = "1.0", ["ce-id"] = "1", ["ce-source"] = "/s", ["ce-type"] = "t", ["Content-Type"] = "application/json",
        };
        foreach (var (name, value) in more)
        {
            headers[name] = value;
        }
        return headers;
    }
}
