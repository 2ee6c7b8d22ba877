using System.IO.Pipelines;
using System.Net.Http;
using System.Text;
using Knet.DataPlane.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace Knet.Tests.Unit.DataPlane;

public sealed class OpenEndedContentTests
{
    private readonly Pipe _program = new();
    private readonly Answer _client = new();
    private readonly DefaultHttpContext _context = new();
    private readonly byte[] _buffer = new byte[64];

    public OpenEndedContentTests() => _context.Features.Set<IHttpResponseBodyFeature>(_client);

    [Fact]
    public async Task LateBody_LetsTheHeadersGoAhead()
    {
        var body = await BodyAsync();
        var read = body.ReadAsync(_buffer, TestContext.Current.CancellationToken);
        Assert.True(_client.Flushed);
        await WriteAsync("late");
        Assert.Equal(4, await read);
    }

    [Fact]
    public async Task BodyThatIsThere_CostsNoFlush()
    {
        await WriteAsync("there");
        Assert.Equal(5, await (await BodyAsync()).ReadAsync(_buffer, TestContext.Current.CancellationToken));
        Assert.False(_client.Flushed);
    }

    [Fact]
    public async Task TimeUp_AppendsTheTextAndEnds()
    {
        using var expiry = new CancellationTokenSource();
        var body = await BodyAsync();
        var read = body.ReadAsync(_buffer, expiry.Token);
        await expiry.CancelAsync();
        Assert.Equal(0, await read);
        Assert.Equal("request timeout", Encoding.UTF8.GetString(_client.Written));
        Assert.Equal(0, await body.ReadAsync(_buffer, expiry.Token));
    }

    [Fact]
    public async Task TimeUpInAGrpcStream_CutsIt()
    {
        _context.Response.ContentType = "application/grpc";
        using var expiry = new CancellationTokenSource();
        var read = (await BodyAsync()).ReadAsync(_buffer, expiry.Token);
        await expiry.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        Assert.Empty(_client.Written);
    }

    [Fact]
    public void Covers_OnlyBodiesOfUnknownLength()
    {
        using var known = new HttpResponseMessage { Content = new StringContent("x") };
        using var open = new HttpResponseMessage { Content = new StreamContent(_program.Reader.AsStream()) };
        using var upgraded = new HttpResponseMessage(System.Net.HttpStatusCode.SwitchingProtocols) { Content = open.Content };
        Assert.Equal(
            (false, true, false),
            (OpenEndedContent.Covers(known, _context), OpenEndedContent.Covers(open, _context),
                OpenEndedContent.Covers(upgraded, _context)));
    }

    private Task<Stream> BodyAsync() => new OpenEndedContent(new StreamContent(_program.Reader.AsStream()), _context)
        .ReadAsStreamAsync(TestContext.Current.CancellationToken);

    private async Task WriteAsync(string text) => await _program.Writer.WriteAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Notes what the client would get.</summary>
    private sealed class Answer : StreamResponseBodyFeature
    {
        private readonly Recorder _stream;

        public Answer() : this(new Recorder())
        {
        }

        private Answer(Recorder stream) : base(stream) => _stream = stream;

        public bool Flushed => _stream.Flushed;
        public byte[] Written => _stream.ToArray();

        private sealed class Recorder : MemoryStream
        {
            public bool Flushed { get; private set; }

            public override Task FlushAsync(CancellationToken cancellationToken)
            {
                Flushed = true;
                return Task.CompletedTask;
            }
        }
    }
}
