using System.Text;
using Knet.CloudEvents;
using Knet.CloudEvents.Http;
using Knet.CloudEvents.Sql;
using Microsoft.AspNetCore.Http;

namespace Knet.Tests.Unit.Fuzz;

/// <summary>What producers of events send, and what triggers say.</summary>
internal static class EventTargets
{
    private const string One = """
        {"specversion":"1.0","id":"1","source":"/s","type":"t","time":"2026-01-02T03:04:05.123456789+01:00","n":1,"b":true,"data":{"a":[1]}}
        """;

    private static readonly string[] Json =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "1", "1.5", "2147483648", "\"a\"", "\"\\u0000\"", "\"\\ud800\"",
        "\"data\":", "\"data_base64\":",
        "\"specversion\":\"1.0\"", "\"specversion\":\"0.3\"", "\"id\":", "\"source\":", "\"type\":", "\"time\":",
        "\"datacontenttype\":\"text/plain\"",
        "\"datacontentencoding\":\"base64\"", "\"aGk=\"", "\"X\":", "\r\n",
    ];

    private static readonly CloudEvent Event = CloudEvent.Create("1", "/s", "t").With("n", "1", AttributeKind.Integer);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        FuzzTarget.Text("event-binary",
            ["%", "%0D", "%0A", "%C3", "%A9", "é", "\"", "\\", "a", "-", ":", "\n", "time:2026-01-02T03:04:05Z", "id:", "ext:"],
            text => Written(Binary(text)), Refused, "ext:a%20b\nsubject:x\ntime:2026-01-02T03:04:60.5z"),
        FuzzTarget.Text("event-structured", Json, text => Written(Structured(text)), Refused, One),
        FuzzTarget.Text("event-batch", Json, text => HttpEventReader.ReadBatch(Encoding.UTF8.GetBytes(text), 20), Refused, $"[{One},{One}]"),
        FuzzTarget.Text("cesql",
            ["(", ")", ",", "=", "<>", "!=", "<=", "<", "+", "-", "*", "/", "%", " ", "'", "\"", "\\", "1", "2147483648", "a", "id", "n", "é", "_",
            " AND ", " OR ", " XOR ", "NOT ", " LIKE ", " IN ", "EXISTS ", "TRUE", "INT(", "SUBSTRING(", "CONCAT_WS(", "LEFT(", "'%a_'"],
            text => CesqlExpression.Parse(text).Evaluate(Event), e => e is CesqlParseException,
            "NOT EXISTS a AND n IN (1, '2') OR SUBSTRING(id, -1, 2) LIKE '%\\_a_' XOR -n % 2 <= ABS(3)"),
    ];

    private static bool Refused(Exception e) => e is CloudEventException;

    private static CloudEvent Binary(string text)
    {
        var headers = new HeaderDictionary { ["ce-specversion"] = "1.0", ["ce-id"] = "1", ["ce-source"] = "/s", ["ce-type"] = "t" };
        foreach (var line in text.Split('\n'))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon >= 0)
            {
                headers.Append("ce-" + line[..colon], line[(colon + 1)..]);
            }
        }
        return HttpEventReader.Read(headers, Encoding.UTF8.GetBytes(text));
    }

    private static CloudEvent Structured(string text) =>
        HttpEventReader.Read(new HeaderDictionary { ["Content-Type"] = MediaTypes.Structured }, Encoding.UTF8.GetBytes(text));

    // Whatever was taken can be sent on, and is taken again.
    private static void Written(CloudEvent taken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://x/");
        HttpEventWriter.Write(request, taken, EventMode.Binary);
        if (HttpEventReader.Read(new HeaderDictionary { ["Content-Type"] = MediaTypes.Structured }, JsonEventWriter.Write(taken)).Id != taken.Id)
        {
            throw new InvalidOperationException("written and read again, the event is another one");
        }
    }
}
