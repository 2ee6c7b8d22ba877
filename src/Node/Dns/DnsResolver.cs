using System.Buffers.Binary;
using Knet.Node.ServiceProxy;

namespace Knet.Node.Dns;

/// <summary>From a query's bytes to an answer's: our own zones first, everything else forwarded or denied.</summary>
internal sealed class DnsResolver
{
    private const ushort InClass = 1, AnyClass = 255;
    private readonly DnsOptions _options;
    private readonly ClusterZone _zone;
    private readonly DnsForwarder? _forwarder;

    public DnsResolver(DnsOptions options, IServiceDirectory directory, TimeProvider time)
    {
        _options = options;
        _zone = new ClusterZone(options, directory);
        _forwarder = options.Upstreams is { } upstreams ? new DnsForwarder(options, upstreams, time) : null;
    }

    /// <summary>The answer; null when the packet deserves none.</summary>
    public ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> packet, bool tcp, CancellationToken cancellationToken)
    {
        var code = DnsQuery.Parse(packet, out var query);
        if (code is null || query is null || code != DnsCode.NoError)
        {
            return new(code is { } refusal ? DnsReply.Refuse(packet.Span, refusal) : null);
        }

        if (query.EdnsVersion != 0)
        {
            return new(Write(query, DnsCode.BadVersion, [], null, tcp));
        }

        if (query.Class is not (InClass or AnyClass))
        {
            return new(Write(query, DnsCode.Refused, [], null, tcp));
        }

        return _zone.Answer(query.Name, query.Type) switch
        {
            null => ForwardAsync(packet, query, tcp, cancellationToken),
            { Alias: not null } alias => FollowAsync(query, alias, tcp, cancellationToken),
            var answer => new(Write(query, answer, answer.Records, tcp)),
        };
    }

    private async ValueTask<byte[]?> ForwardAsync(ReadOnlyMemory<byte> packet, DnsQuery query, bool tcp, CancellationToken cancellationToken)
    {
        // Denied rather than refused: resolver libraries take a refusal for a passing trouble and ask again for seconds.
        return _forwarder is null
            ? Write(query, DnsCode.NameError, [], null, tcp)
            : await _forwarder.AskAsync(packet, query, tcp, cancellationToken) ?? Write(query, DnsCode.ServerFailure, [], null, tcp);
    }

    // An ExternalName: the alias, and the addresses of what it leads to as far as they can be had.
    private async ValueTask<byte[]?> FollowAsync(DnsQuery query, DnsAnswer answer, bool tcp, CancellationToken cancellationToken)
    {
        var target = answer.Alias!;
        var records = answer.Records.ToList();
        if (_zone.Answer(target, query.Type) is { } local)
        {
            records.AddRange(local.Records);
        }
        else if (_forwarder is not null)
        {
            var packet = Question(target, query.Type);
            DnsQuery.Parse(packet, out var question);
            var reply = await _forwarder.AskAsync(packet, question!, tcp: false, cancellationToken);
            records.AddRange(DnsReply.Addresses(reply).Where(a => a.Type == query.Type)
                .Select(a => new DnsRecord(target, a.Type, a.Ttl, a.Data)));
        }

        return Write(query, answer, records, tcp);
    }

    private static byte[] Question(string name, DnsType type)
    {
        byte[] header = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        var tail = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(tail, (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(tail.AsSpan(2), InClass);
        return [.. header, .. DnsName.Encode(name), .. tail];
    }

    private byte[] Write(DnsQuery query, DnsAnswer answer, IReadOnlyList<DnsRecord> records, bool tcp) =>
        Write(query, answer.Code, records, records.Count == 0 ? DnsRecord.Authority(answer.Zone, _options.TtlSeconds) : null, tcp);

    private byte[] Write(DnsQuery query, DnsCode code, IReadOnlyList<DnsRecord> records, DnsRecord? authority, bool tcp) =>
        DnsReply.Write(query, code, records, authority, _forwarder is not null, tcp ? ushort.MaxValue : query.UdpSize);
}
