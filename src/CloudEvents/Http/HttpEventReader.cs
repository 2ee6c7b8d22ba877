using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace Knet.CloudEvents.Http;

/// <summary>Takes events out of HTTP requests and responses. In binary mode nothing but the <c>ce-</c> headers is looked at.</summary>
public static class HttpEventReader
{
    private const string Prefix = "ce-";

    /// <summary>The event of a request whose body was read, in binary or structured mode.</summary>
    /// <exception cref="CloudEventException">It is no valid event; a batch is refused too (<see cref="ReadBatch"/>).</exception>
    public static CloudEvent Read(IHeaderDictionary headers, ReadOnlyMemory<byte> body)
    {
        var contentType = headers.ContentType.Count == 0 ? null : headers.ContentType.ToString();
        if (ModeOfOne(contentType) == EventMode.Structured)
        {
            return JsonEventReader.Read(body);
        }
        var attributes = new AttributeList();
        foreach (var (name, values) in headers)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                attributes.AddHeader(name, values.Count, values.ToString());
            }
        }
        return attributes.Finish(contentType, body);
    }

    /// <summary>Whether a response has an event in it: <c>ce-specversion</c>, or a content type of CloudEvents.</summary>
    public static bool HasEvent(HttpResponseMessage response) =>
        response.Headers.Contains("ce-specversion")
        || (response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var type)
            && type.ToString().StartsWith("application/cloudevents", StringComparison.OrdinalIgnoreCase));

    /// <summary>The event of a response, in binary or structured mode.</summary>
    /// <exception cref="CloudEventException">It is no valid event.</exception>
    public static CloudEvent Read(HttpResponseHeaders headers, HttpContentHeaders contentHeaders, ReadOnlyMemory<byte> body)
    {
        var contentType = contentHeaders.NonValidated.TryGetValues("Content-Type", out var type) ? type.ToString() : null;
        if (ModeOfOne(contentType) == EventMode.Structured)
        {
            return JsonEventReader.Read(body);
        }
        var attributes = new AttributeList();
        foreach (var (name, values) in headers.NonValidated)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                attributes.AddHeader(name, values.Count, values.ToString());
            }
        }
        return attributes.Finish(contentType, body);
    }

    /// <summary>The events of a batch, in order. One that is not valid refuses the whole batch; the message has its index.</summary>
    /// <param name="body">A JSON array of events.</param>
    /// <param name="eventsMax">More than these are refused with 413.</param>
    /// <exception cref="CloudEventException">It is no array, or one of its events is not valid.</exception>
    public static IReadOnlyList<CloudEvent> ReadBatch(ReadOnlyMemory<byte> body, int eventsMax = 1000) => JsonEventReader.ReadBatch(body, eventsMax);

    /// <summary>Reads a request's body as far as the limit.</summary>
    /// <exception cref="CloudEventException">413: it is larger.</exception>
    public static async ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(HttpRequest request, int bytesMax, CancellationToken cancellation)
    {
        if (request.ContentLength > bytesMax)
        {
            throw CloudEventException.TooLarge(bytesMax);
        }
        var buffer = new byte[request.ContentLength ?? Math.Min(4096, bytesMax)];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                if (request.ContentLength is not null)
                {
                    return buffer;
                }
                // One byte more than allowed tells "exactly the limit" from "too large".
                Array.Resize(ref buffer, (int)Math.Min(Math.Max(buffer.Length * 2L, 16), bytesMax + 1L));
            }
            var read = await request.Body.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return buffer.AsMemory(0, length);
            }
            length += read;
            if (length > bytesMax)
            {
                throw CloudEventException.TooLarge(bytesMax);
            }
        }
    }

    private static EventMode ModeOfOne(string? contentType) => MediaTypes.ModeOf(contentType) switch
    {
        EventMode.Batch => throw new CloudEventException(415, "content-type: a batch is not taken here; send each event in a request of its own"),
        var mode => mode,
    };

    private ref struct AttributeList
    {
        private EventAttribute[] _items;
        private int _count;

        public AttributeList()
        {
            _items = new EventAttribute[8];
        }

        public void AddHeader(string header, int values, string value)
        {
            Span<char> lower = stackalloc char[64];
            if (header.Length > lower.Length)
            {
                throw CloudEventException.Bad($"{header[..lower.Length]}…: the name is longer than {lower.Length - Prefix.Length} characters");
            }
            var name = lower[..header.AsSpan(Prefix.Length).ToLowerInvariant(lower)];
            var text = AttributeNames.Known(name) ?? name.ToString();
            if (values > 1)
            {
                throw CloudEventException.Bad($"{text}: the header ce-{text} is given twice");
            }
            if (text == AttributeNames.DataContentType)
            {
                throw CloudEventException.Bad("datacontenttype: in binary mode it is the Content-Type header, not ce-datacontenttype");
            }
            Add(new(text, HeaderText.Decode(text, value)));
        }

        public CloudEvent Finish(string? contentType, ReadOnlyMemory<byte> body)
        {
            if (!string.IsNullOrEmpty(contentType))
            {
                Add(new(AttributeNames.DataContentType, contentType));
            }
            if (_count < 4 && !_items.AsSpan(0, _count).ToArray().Any(a => a.Name == AttributeNames.SpecVersion))
            {
                throw CloudEventException.Bad(
                    $"no event: no header ce-specversion (binary mode), and the content type is not {MediaTypes.Structured} (structured mode)");
            }
            return CloudEvent.Validated(_items[.._count], body);
        }

        private void Add(EventAttribute attribute)
        {
            if (_count == _items.Length)
            {
                Array.Resize(ref _items, _count * 2);
            }
            _items[_count++] = attribute;
        }
    }
}
