using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Knet.Node.Dns;

/// <summary>Asks the machine's resolvers, one after the other, and keeps answers for a short while.</summary>
internal sealed class DnsForwarder(DnsOptions options, Func<IReadOnlyList<IPEndPoint>> upstreams, TimeProvider time)
{
    private const int NegativeSeconds = 5;
    private readonly ConcurrentDictionary<(string, DnsType, ushort, bool, bool), (byte[] Reply, long Until)> _cache = new();
    private int _inFlight;

    /// <summary>The answer as it came, with the query's own id; null when nobody answered in time or too much is in flight.</summary>
    /// <param name="packet">The query's bytes.</param>
    /// <param name="query">The same, read.</param>
    /// <param name="tcp">The client asked over TCP: so do we.</param>
    /// <param name="cancellationToken">The server stops.</param>
    public async ValueTask<byte[]?> AskAsync(ReadOnlyMemory<byte> packet, DnsQuery query, bool tcp, CancellationToken cancellationToken)
    {
        var key = (query.Name, query.Type, query.Class, query.HasEdns, tcp);
        if (_cache.TryGetValue(key, out var known) && known.Until > time.GetTimestamp())
        {
            return WithQuestionOf(known.Reply, query);
        }

        if (Interlocked.Increment(ref _inFlight) > options.ForwardedMax)
        {
            Interlocked.Decrement(ref _inFlight);
            return null;
        }

        try
        {
            foreach (var upstream in upstreams())
            {
                if (await AskOneAsync(upstream, packet, tcp, cancellationToken) is { } reply)
                {
                    Keep(key, reply);
                    return WithQuestionOf(reply, query);
                }
            }

            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    // The question is part of the answer; the client must see the one it asked, letter by letter.
    private static byte[] WithQuestionOf(byte[] reply, DnsQuery query)
    {
        var copy = (byte[])reply.Clone();
        BinaryPrimitives.WriteUInt16BigEndian(copy, query.Id);
        query.Question.Span.CopyTo(copy.AsSpan(DnsQuery.HeaderLength));
        return copy;
    }

    private void Keep((string, DnsType, ushort, bool, bool) key, byte[] reply)
    {
        if (DnsReply.TimeToLive(reply, NegativeSeconds) is not { } seconds || seconds == 0)
        {
            return;
        }

        if (_cache.Count >= options.CachedMax)
        {
            _cache.Clear();
        }

        var kept = TimeSpan.FromSeconds(Math.Min(seconds, options.CacheTimeMax.TotalSeconds));
        _cache[key] = (reply, time.GetTimestamp() + (long)(kept.TotalSeconds * time.TimestampFrequency));
    }

    private async Task<byte[]?> AskOneAsync(IPEndPoint upstream, ReadOnlyMemory<byte> packet, bool tcp, CancellationToken cancellationToken)
    {
        // An id and a port of our own for each question: an answer that we did not ask for is hard to forge.
        var question = packet.ToArray();
        RandomNumberGenerator.Fill(question.AsSpan(0, 2));
        using var timeout = new CancellationTokenSource(options.UpstreamTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return tcp ? await OverTcpAsync(upstream, question, both.Token) : await OverUdpAsync(upstream, question, both.Token);
        }
        catch (SocketException)
        {
            return null;
        }
        catch (EndOfStreamException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static async Task<byte[]?> OverUdpAsync(IPEndPoint upstream, byte[] question, CancellationToken cancellationToken)
    {
        using var socket = new Socket(upstream.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(upstream, cancellationToken);
        await socket.SendAsync(question, cancellationToken);
        var buffer = new byte[65535];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellationToken);
            if (Answers(buffer.AsSpan(0, length), question))
            {
                return buffer[..length];
            }
        }
    }

    private static async Task<byte[]?> OverTcpAsync(IPEndPoint upstream, byte[] question, CancellationToken cancellationToken)
    {
        using var socket = new Socket(upstream.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(upstream, cancellationToken);
        await using var stream = new NetworkStream(socket);
        await DnsStream.WriteAsync(stream, question, cancellationToken);
        var reply = await DnsStream.ReadAsync(stream, cancellationToken);
        return reply is not null && Answers(reply, question) ? reply : null;
    }

    // Same id, an answer, one question, and that question's name, type and class.
    private static bool Answers(ReadOnlySpan<byte> reply, ReadOnlySpan<byte> question)
    {
        var end = DnsQuery.HeaderLength;
        return DnsName.TrySkip(question, ref end) && reply.Length >= end + 4 && reply[..2].SequenceEqual(question[..2])
            && (reply[2] & 0x80) != 0 && reply[4..6].SequenceEqual(question[4..6])
            && System.Text.Ascii.EqualsIgnoreCase(reply[DnsQuery.HeaderLength..end], question[DnsQuery.HeaderLength..end])
            && reply.Slice(end, 4).SequenceEqual(question.Slice(end, 4));
    }
}
