using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Knet.DataPlane.Protocol;

/// <summary>
/// A connection under TLS: what the server above reads and writes is clear, what the connection below carries is not. The client's end
/// is noticed below, so a request whose client leaves is cancelled as without TLS.
/// </summary>
internal sealed class TlsConnection : ConnectionContext, IDuplexPipe, ITlsConnectionFeature, ITlsApplicationProtocolFeature
{
    private static readonly List<SslApplicationProtocol> Protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly ConnectionContext _inner;
    private readonly SslStream _tls;

    private TlsConnection(ConnectionContext inner, SslStream tls)
    {
        _inner = inner;
        _tls = tls;
        Input = PipeReader.Create(tls, new StreamPipeReaderOptions(leaveOpen: true));
        Output = PipeWriter.Create(tls, new StreamPipeWriterOptions(leaveOpen: true));
        Transport = this;
        inner.Features.Set<ITlsConnectionFeature>(this);
        inner.Features.Set<ITlsApplicationProtocolFeature>(this);
    }

    public bool IsHttp2 => _tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2;
    public PipeReader Input { get; }
    public PipeWriter Output { get; }
    public override string ConnectionId { get => _inner.ConnectionId; set => _inner.ConnectionId = value; }
    public override IFeatureCollection Features => _inner.Features;
    public override IDictionary<object, object?> Items { get => _inner.Items; set => _inner.Items = value; }
    public override IDuplexPipe Transport { get; set; }
    public override CancellationToken ConnectionClosed { get => _inner.ConnectionClosed; set => _inner.ConnectionClosed = value; }
    public override EndPoint? LocalEndPoint { get => _inner.LocalEndPoint; set => _inner.LocalEndPoint = value; }
    public override EndPoint? RemoteEndPoint { get => _inner.RemoteEndPoint; set => _inner.RemoteEndPoint = value; }

    /// <summary>Clients are not asked for certificates.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    ReadOnlyMemory<byte> ITlsApplicationProtocolFeature.ApplicationProtocol => _tls.NegotiatedApplicationProtocol.Protocol;

    /// <summary>Speaks the server's part of the handshake.</summary>
    /// <exception cref="AuthenticationException">There is no certificate for the host, or client and server cannot agree.</exception>
    /// <exception cref="IOException">The client left.</exception>
    public static async Task<TlsConnection> AcceptAsync(
        ConnectionContext connection, CertificateTable certificates, CancellationToken cancellationToken)
    {
        var tls = new SslStream(new DuplexStream(connection.Transport));
        try
        {
            await tls.AuthenticateAsServerAsync(
                static (_, hello, table, _) => ValueTask.FromResult(OptionsFor(hello.ServerName, (CertificateTable)table!)),
                certificates, cancellationToken);
            return new TlsConnection(connection, tls);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    public override void Abort() => _inner.Abort();

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);

    public override async ValueTask DisposeAsync()
    {
        await Input.CompleteAsync();
        await Output.CompleteAsync();
        try
        {
            await _tls.ShutdownAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The client is gone already: there is nobody to say goodbye to.
        }

        await _tls.DisposeAsync();
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private static SslServerAuthenticationOptions OptionsFor(string host, CertificateTable certificates) => new()
    {
        ServerCertificateContext = certificates.Find(host)
            ?? throw new AuthenticationException(
                host.Length == 0 ? "the client named no host (SNI)" : $"there is no certificate for host \"{host}\""),
        ApplicationProtocols = Protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };

    /// <summary>The connection below as the stream that <see cref="SslStream"/> wants.</summary>
    private sealed class DuplexStream(IDuplexPipe pipe) : Stream
    {
        private readonly Stream _input = pipe.Input.AsStream(leaveOpen: true);
        private readonly Stream _output = pipe.Output.AsStream(leaveOpen: true);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _input.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            _input.ReadAsync(buffer, offset, count, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            _output.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            _output.WriteAsync(buffer, offset, count, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => _output.Write(buffer, offset, count);

        public override void Flush() => _output.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
