using System.Buffers;
using System.IO.Compression;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http.Wire;

/// <summary>Writes complete answers.</summary>
internal static class Answers
{
    /// <summary>Smaller answers are not worth the time to compress them; the same bound as Kubernetes'.</summary>
    private const int CompressFrom = 128 * 1024;

    /// <summary>Kubernetes' options for hand-written JSON: nothing escaped that need not be.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    public static Task JsonAsync(HttpContext context, int code, ReadOnlyMemory<byte> json) => BytesAsync(context, code, "application/json", json);

    /// <summary>Writes JSON that a function makes.</summary>
    public static Task JsonAsync(HttpContext context, int code, Action<Utf8JsonWriter> write) =>
        BytesAsync(context, code, "application/json", Make(write));

    /// <summary>JSON that a function makes, as bytes.</summary>
    public static ReadOnlyMemory<byte> Make(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }

    public static Task StatusAsync(HttpContext context, V1Status status) => JsonAsync(context, status.Code ?? 500, KubeJson.Serialize(status));

    public static Task TextAsync(HttpContext context, int code, string text) =>
        BytesAsync(context, code, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text));

    public static async Task BytesAsync(HttpContext context, int code, string contentType, ReadOnlyMemory<byte> bytes)
    {
        var response = context.Response;
        response.StatusCode = code;
        response.ContentType = contentType;
        if (bytes.Length >= CompressFrom && AcceptsGzip(context))
        {
            response.Headers.ContentEncoding = "gzip";
            response.Headers.Vary = "Accept-Encoding";
            await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
            await gzip.WriteAsync(bytes, context.RequestAborted);
            return;
        }

        response.ContentLength = bytes.Length;
        if (context.Request.Method != HttpMethods.Head)
        {
            await response.Body.WriteAsync(bytes, context.RequestAborted);
        }
    }

    private static bool AcceptsGzip(HttpContext context) =>
        context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
}
