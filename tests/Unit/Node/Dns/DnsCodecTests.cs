using CsCheck;
using Knet.Node.Dns;
using Xunit;

namespace Knet.Tests.Unit.Node.Dns;

/// <summary>Packets as anybody may send them.</summary>
public sealed class DnsCodecTests
{
    private static readonly byte[] Question = DnsTestClient.Query("web.default.svc.cluster.local", DnsType.A);

    [Fact]
    public void Query_IsRead()
    {
        Assert.Equal(DnsCode.NoError, DnsQuery.Parse(DnsTestClient.Query("Web.Local", DnsType.Aaaa, 4096), out var query));
        Assert.Equal(("web.local", DnsType.Aaaa, true, 1232), (query!.Name, query.Type, query.HasEdns, query.UdpSize));
        DnsQuery.Parse(Question, out query);
        Assert.Equal((false, 512), (query!.HasEdns, query.UdpSize));
    }

    [Fact]
    public void LettersOfTheQuestion_ComeBackAsTheyWere()
    {
        var packet = DnsTestClient.Query("HoSt.knet.internal", DnsType.A);
        var reply = new DnsTestClient().Raw(packet);
        Assert.Equal(packet[12..], reply[12..packet.Length]);
        Assert.Equal("NoError | A 10.42.0.1", DnsTestClient.Read(reply));
    }

    [Theory]
    [InlineData(2, 0x80, null)]
    [InlineData(2, 0x10, DnsCode.NotImplemented)]
    [InlineData(5, 0x02, DnsCode.FormatError)]
    [InlineData(12, 0xc0, DnsCode.FormatError)]
    [InlineData(12, 0x3f, DnsCode.FormatError)]
    [InlineData(11, 0x01, DnsCode.FormatError)]
    public void BrokenPackets_AreToldApart(int offset, byte value, object? code)
    {
        var packet = (byte[])Question.Clone();
        packet[offset] = value;
        Assert.Equal((DnsCode?)code, DnsQuery.Parse(packet, out _));
    }

    [Fact]
    public void UnknownEdnsVersion_IsRefusedWithOurs()
    {
        var packet = DnsTestClient.Query("host.knet.internal", DnsType.A, 1232);
        packet[^5] = 1;
        var reply = new DnsTestClient().Raw(packet);
        Assert.Equal(1, reply[^6]); // BADVERS is 16: its upper bits stand in the OPT record
        Assert.Equal(0, reply[^5]);
    }

    [Fact]
    public void LongAnswer_IsCutOverUdpAndWholeOverTcp()
    {
        var dns = new DnsTestClient().Service("many", "None")
            .Endpoints("many", 80, "", [.. Enumerable.Range(2, 100).Select(i => ($"10.42.0.{i}", (string?)null))]);
        var question = DnsTestClient.Query("many.default.svc.cluster.local", DnsType.A);
        var udp = dns.Raw(question);
        Assert.Equal((2, 0), (udp[2] & 2, udp[7]));
        Assert.True(udp.Length <= 512);
        var tcp = dns.Raw(question, tcp: true);
        Assert.Equal((0, 100), (tcp[2] & 2, tcp[7]));
    }

    [Fact]
    public void Names_SurviveTheRoundTrip() =>
        Gen.Byte.Array[1, 63].List[0, 3].Sample(labels =>
        {
            byte[] wire = [.. labels.SelectMany(l => (byte[])[(byte)l.Length, .. l]), 0];
            var offset = 0;
            Assert.True(DnsName.TryRead(wire, ref offset, out var name));
            Assert.Equal(wire.Length, offset);
            offset = 0;
            Assert.True(DnsName.TryRead(DnsName.Encode(name), ref offset, out var again));
            Assert.Equal(name, again);
            Assert.Equal(wire.Length, offset);
        });

    [Fact]
    public void Resolver_SurvivesAnyBytes()
    {
        var dns = new DnsTestClient().Service("web", "10.43.0.7");
        Gen.Byte.Array[0, 80].Sample(bytes => dns.Raw(bytes));
        Gen.Select(Gen.Int[0, Question.Length - 1], Gen.Byte, Gen.Int[0, Question.Length]).Sample((at, value, length) =>
        {
            var packet = (byte[])Question.Clone();
            packet[at] = value;
            dns.Raw(packet[..length]);
        });
    }

    [Fact]
    public void ReadingAnswers_SurvivesAnyBytes() => Gen.Byte.Array[0, 100].Sample(bytes =>
    {
        DnsReply.TimeToLive(bytes, 5);
        DnsReply.Addresses(bytes);
    });

    [Fact]
    public void TimeToLive_IsTheShortestAndNoneForFailures()
    {
        DnsQuery.Parse(Question, out var query);
        DnsRecord[] records = [new("a", DnsType.A, 60, [1, 2, 3, 4]), new("b", DnsType.A, 20, [1, 2, 3, 4])];
        Assert.Equal(20u, DnsReply.TimeToLive(DnsReply.Write(query!, DnsCode.NoError, records, null, true, 512), 5));
        Assert.Equal(5u, DnsReply.TimeToLive(DnsReply.Write(query!, DnsCode.NameError, [], null, true, 512), 5));
        Assert.Null(DnsReply.TimeToLive(DnsReply.Write(query!, DnsCode.ServerFailure, [], null, true, 512), 5));
        Assert.Equal(2, DnsReply.Addresses(DnsReply.Write(query!, DnsCode.NoError, records, null, true, 512)).Count);
    }
}
