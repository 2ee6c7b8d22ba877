using System.Buffers;
using Knet.ApiServer.Http.Protobuf;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http.Wire;

/// <summary>Reads request bodies: size-limited, and as JSON whatever they came as.</summary>
internal sealed class RequestBodies(int limit)
{
    /// <summary>The body as UTF-8 JSON; empty when there is none.</summary>
    /// <exception cref="KubeException">413 too large, 415 a form we do not read, 400 malformed.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        var bytes = await ReadBytesAsync(context);
        if (bytes.Length == 0)
        {
            return bytes;
        }

        return MediaTypeOf(context) switch
        {
            "" or "application/json" or "text/json" or "application/merge-patch+json" or "application/json-patch+json"
                or "application/strategic-merge-patch+json" => bytes,
            "application/yaml" or "application/apply-patch+yaml" or "text/yaml" or "application/x-yaml" => YamlBody.ToJson(bytes.Span),
            ProtobufBody.MediaType => ProtobufBody.ToJson(bytes.Span),
            var other => throw KubeException.Of(
                415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, "
                + $"application/vnd.kubernetes.protobuf (got {other})"),
        };
    }

    /// <summary>The content type without parameters, lower case.</summary>
    public static string MediaTypeOf(HttpContext context)
    {
        var type = context.Request.ContentType ?? "";
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant();
    }

    private async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpContext context)
    {
        if (context.Request.ContentLength is 0)
        {
            return default;
        }

        if (context.Request.ContentLength > limit)
        {
            throw TooLarge();
        }

        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > limit)
            {
                throw TooLarge();
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private KubeException TooLarge() => KubeException.Of(413, "RequestEntityTooLarge", $"Request entity too large: limit is {limit}");
}
