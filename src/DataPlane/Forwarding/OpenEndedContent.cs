using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;

namespace Knet.DataPlane.Forwarding;

/// <summary>
/// A response body whose length nobody announced. When its first byte is late, the headers go ahead of it; when the time of the request is
/// up, the text of the timeout is appended and the body ends, since the status is already out (serving.md 13).
/// </summary>
/// <remarks>
/// A body that comes together with its headers, which is the usual case, passes without a further write. A gRPC stream is cut instead of
/// ended: text would be read as a message.
/// </remarks>
internal sealed class OpenEndedContent : HttpContent
{
    private readonly HttpContent _body;
    private readonly HttpContext _context;

    public OpenEndedContent(HttpContent body, HttpContext context)
    {
        _body = body;
        _context = context;
    }

    /// <summary>Whether the response is of this kind: not one of known length, and not a connection that both sides go on using.</summary>
    public static bool Covers(HttpResponseMessage response, HttpContext context) =>
        response.Content.Headers.ContentLength is null && response.StatusCode != HttpStatusCode.SwitchingProtocols &&
        !HttpMethods.IsConnect(context.Request.Method);

    protected override async Task<Stream> CreateContentReadStreamAsync() => Wrap(await _body.ReadAsStreamAsync());

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        Wrap(await _body.ReadAsStreamAsync(cancellationToken));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _body.CopyToAsync(stream, context);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body.Dispose();
        }

        base.Dispose(disposing);
    }

    private Body Wrap(Stream source) => new(source, _context);

    private sealed class Body(Stream source, HttpContext context) : Stream
    {
        private static readonly ReadOnlyMemory<byte> Text = "request timeout"u8.ToArray();

        private bool _ended;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_ended)
            {
                return new(0);
            }

            var read = source.ReadAsync(buffer, cancellationToken);
            return read.IsCompletedSuccessfully ? read : LateAsync(read.AsTask(), cancellationToken);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => source.Read(buffer, offset, count);
        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }

        private async ValueTask<int> LateAsync(Task<int> read, CancellationToken cancellationToken)
        {
            if (!context.Response.HasStarted)
            {
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }

            try
            {
                return await read;
            }
            catch (OperationCanceledException) when (IsOutOfTime(cancellationToken))
            {
                _ended = true;
                await context.Response.Body.WriteAsync(Text, context.RequestAborted);
                return 0;
            }
        }

        private bool IsOutOfTime(CancellationToken cancellationToken) =>
            cancellationToken.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested &&
            !(context.Response.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) ?? false);
    }
}
