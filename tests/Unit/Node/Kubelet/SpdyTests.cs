using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Knet.Node.Kubelet.Spdy;
using Xunit;

namespace Knet.Tests.Unit.Node.Kubelet;

public sealed class SpdyTests
{
    // What zlib with SPDY's dictionary makes of kubectl's headers for one forwarded connection: two blocks of one stream.
    private static readonly byte[] ErrorBlock = Convert.FromHexString(
        "78f9e3c6a7c202253a48f95b044eea16061606409ab308125f99a074cc68004e892545a989b9d0c2863515141500000000ffff");

    private static readonly byte[] DataBlock = Convert.FromHexString("225333a8a44a04000000ffff");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public void Headers_ComeOutOfOneCompressedStream()
    {
        using var reader = new SpdyHeaderReader();
        Assert.Equal("port=8080 requestid=0 streamtype=error", Text(reader.Read(ErrorBlock)));
        Assert.Equal("port=8080 requestid=0 streamtype=data", Text(reader.Read(DataBlock)));
    }

    [Fact]
    public void WrittenHeaders_EndWithTheFlushThatGoWaitsFor()
    {
        var writer = new SpdyHeaderWriter();
        Assert.Equal("7801000400fbff000000000000" + "00ffff", Convert.ToHexStringLower(writer.Write(new Dictionary<string, string>())));
        Assert.EndsWith("000000ffff", Convert.ToHexStringLower(writer.Write(new Dictionary<string, string>())), StringComparison.Ordinal);
    }

    [Fact]
    public void WrittenHeaders_AreReadAgain()
    {
        var writer = new SpdyHeaderWriter();
        using var reader = new SpdyHeaderReader();
        Assert.Equal("a=1", Text(reader.Read(writer.Write(new Dictionary<string, string> { ["A"] = "1" }))));
        Assert.Equal("", Text(reader.Read(writer.Write(new Dictionary<string, string>()))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("78f9e3c6a7c2")]
    [InlineData("78f9e3c6a7c2ffffffffffff")]
    [InlineData("7801000400fbff7fffffff")] // two thousand million headers
    [InlineData("78010008 00f7ff 00000001 7fffffff")] // a name of two thousand million bytes
    public void MalformedHeaders_AreRefused(string hex)
    {
        using var reader = new SpdyHeaderReader();
        Assert.Throws<SpdyException>(() => reader.Read(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Stream_CarriesDataBothWaysUntilBothSidesClose()
    {
        await using var client = new Client(_ => true);
        await client.SendAsync(1, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. ErrorBlock]);
        Assert.Equal("80030002 00000001", await client.ReceiveAsync(4));
        var stream = Assert.Single(client.Streams);
        Assert.Equal("error", stream.Headers["streamtype"]);

        await client.SendRawAsync([0, 0, 0, 1, 1, 0, 0, 2, .. "hi"u8]);
        var input = await stream.Input.ReadAtLeastAsync(2, Stop);
        Assert.Equal("hi", Encoding.UTF8.GetString(input.Buffer.FirstSpan));
        stream.Input.AdvanceTo(input.Buffer.End);
        Assert.True((await stream.Input.ReadAsync(Stop)).IsCompleted);

        await stream.WriteAsync("ok"u8.ToArray(), Stop);
        await stream.CloseAsync(Stop);
        Assert.Equal("00000001 6f6b", await client.ReceiveAsync(2));
        Assert.Equal("00000001 ", await client.ReceiveAsync(0));
    }

    [Fact]
    public async Task Ping_IsAnswered()
    {
        await using var client = new Client(_ => true);
        await client.SendAsync(6, [0, 0, 0, 7]);
        Assert.Equal("80030006 00000007", await client.ReceiveAsync(4));
    }

    [Fact]
    public async Task RefusedStream_IsReset()
    {
        await using var client = new Client(_ => false);
        await client.SendAsync(1, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. ErrorBlock]);
        Assert.Equal("80030003 0000000100000003", await client.ReceiveAsync(8));
    }

    [Fact]
    public async Task ClientThatLeaves_FailsWhoeverReads()
    {
        var client = new Client(_ => true);
        await client.SendAsync(1, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. ErrorBlock]);
        await client.ReceiveAsync(4);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () => await client.Streams[0].Input.ReadAsync(Stop));
    }

    private static string Text(IReadOnlyDictionary<string, string> headers) => string.Join(' ', headers.Select(h => $"{h.Key}={h.Value}"));

    /// <summary>The other end of a session.</summary>
    private sealed class Client : IAsyncDisposable
    {
        private readonly Pipe _toServer = new(), _toClient = new();
        private readonly SpdySession _session;
        private readonly Task _run;

        public Client(Func<SpdyStream, bool> accept)
        {
            _session = new SpdySession(new Both(_toServer.Reader.AsStream(), _toClient.Writer.AsStream()), stream =>
            {
                Streams.Add(stream);
                return accept(stream);
            });
            _run = _session.RunAsync(Stop);
        }

        public List<SpdyStream> Streams { get; } = [];

        public Task SendAsync(ushort type, byte[] body) => SendRawAsync([0x80, 3, 0, (byte)type, 0, 0, 0, (byte)body.Length, .. body]);

        public async Task SendRawAsync(byte[] bytes) => await _toServer.Writer.WriteAsync(bytes, Stop);

        /// <summary>The next frame's first word and the first bytes of its body.</summary>
        public async Task<string> ReceiveAsync(int body)
        {
            var stream = _toClient.Reader.AsStream(leaveOpen: true);
            var head = new byte[8];
            await stream.ReadExactlyAsync(head, Stop);
            var bytes = new byte[BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)) & 0xffffff];
            await stream.ReadExactlyAsync(bytes, Stop);
            return $"{Convert.ToHexStringLower(head.AsSpan(0, 4))} {Convert.ToHexStringLower(bytes.AsSpan(0, body))}";
        }

        public async ValueTask DisposeAsync()
        {
            await _toServer.Writer.CompleteAsync();
            await _run;
            _session.Dispose();
        }
    }

    private sealed class Both(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => output.Flush();
        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            output.WriteAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
