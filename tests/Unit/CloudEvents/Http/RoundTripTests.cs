using System.Text;
using System.Text.Json;
using CsCheck;
using Knet.CloudEvents;
using Knet.CloudEvents.Http;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Knet.Tests.Unit.CloudEvents.Http;

/// <summary>What is written is read again the same, in each mode and from one mode to the other.</summary>
public sealed class RoundTripTests
{
    private static readonly string?[] Types = ["application/json", "text/plain", "application/octet-stream", null];

    private static readonly Gen<string> Text = Gen.Char["abcXYZ019 %\"'\\/;,=<>{}äé€\u00a0"].Array[1, 12].Select(c => new string(c) + "\U0001F600");

    private static readonly Gen<CloudEvent> Events =
        from id in Text
        from subject in Text
        from extension in Text
        from number in Gen.Int
        from flag in Gen.Bool
        from data in Gen.Byte.Array[0, 40]
        from type in Gen.Int[0, 3].Select(i => Types[i])
        select CloudEvent.Create(
            new EventAttribute[]
            {
                new("specversion", "1.0"), new("id", id), new("source", "/s"), new("type", "t"), new("subject", subject), new("ext", extension),
                new("num", number.ToString(System.Globalization.CultureInfo.InvariantCulture), AttributeKind.Integer),
                new("flag", flag ? "true" : "false", AttributeKind.Boolean),
            }.Concat(type is null ? [] : [new EventAttribute("datacontenttype", type)]), data);

    [Fact]
    public void Structured() => Events.Sample(e =>
    {
        var read = Read(Send(e, EventMode.Structured));
        Assert.Equal(e.Attributes, read.Attributes);
        AssertSameData(e, read);
    });

    [Fact]
    public void Binary() => Events.Sample(e =>
    {
        var read = Read(Send(e, EventMode.Binary));
        Assert.Equal(Texts(e), Texts(read));
        Assert.Equal(e.Data.ToArray(), read.Data.ToArray());
    });

    [Fact]
    public void Batch() => Events.Array[0, 4].Sample(all =>
    {
        var read = HttpEventReader.ReadBatch(JsonEventWriter.WriteBatch(all));
        Assert.Equal(all.Select(e => e.Id), read.Select(e => e.Id));
    });

    [Fact]
    public void BinaryHeaders_ArePlainAscii() => Events.Sample(e =>
    {
        foreach (var (_, values) in Send(e, EventMode.Binary).Headers.NonValidated)
        {
            Assert.All(values.ToString(), c => Assert.InRange(c, '!', '~'));
        }
    });

    [Fact]
    public void StructuredDataThatOnlyClaimsToBeJson_DoesNotBreakTheDocument()
    {
        var e = CloudEvent.Create("1", "/s", "t", "{not json"u8.ToArray(), "application/json");
        var json = JsonDocument.Parse(JsonEventWriter.Write(e)).RootElement;
        Assert.Equal("{not json", Encoding.UTF8.GetString(json.GetProperty("data_base64").GetBytesFromBase64()));
    }

    private static Dictionary<string, string> Texts(CloudEvent e)
    {
        var texts = e.Attributes.ToDictionary(a => a.Name, a => a.Value);
        if (!e.Data.IsEmpty)
        {
            texts.TryAdd("datacontenttype", "application/json");
        }
        return texts;
    }

    private static void AssertSameData(CloudEvent e, CloudEvent read) => Assert.Equal(e.Data.ToArray(), read.Data.ToArray());

    private static HttpRequestMessage Send(CloudEvent e, EventMode mode)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "http://x/");
        HttpEventWriter.Write(request, e, mode);
        return request;
    }

    private static CloudEvent Read(HttpRequestMessage request)
    {
        var headers = new HeaderDictionary();
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            headers[name] = values.ToString();
        }
        if (request.Content!.Headers.NonValidated.TryGetValues("Content-Type", out var type))
        {
            headers["Content-Type"] = type.ToString();
        }
        using var body = new MemoryStream();
        request.Content.CopyTo(body, null, TestContext.Current.CancellationToken);
        return HttpEventReader.Read(headers, body.ToArray());
    }
}
