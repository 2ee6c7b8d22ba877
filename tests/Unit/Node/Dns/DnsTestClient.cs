using System.Buffers.Binary;
using System.Net;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Node.Dns;
using Knet.Node.ServiceProxy;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Node.Dns;

/// <summary>Asks a resolver without sockets, and reads its answers as text.</summary>
internal sealed class DnsTestClient
{
    public static readonly DnsOptions Options = new()
    {
        Listen = new(IPAddress.Parse("10.42.0.1"), 53),
        HostAddress = IPAddress.Parse("10.42.0.1"),
        OwnRanges = [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("10.43.0.0/16")],
        Gateway = DnsOptions.ForDomains(() => ["localhost"], () => IPAddress.Parse("10.43.0.80")),
        Upstreams = null,
    };

    public ServiceDirectory Directory { get; } = new();

    public DnsTestClient Service(string name, string? clusterIp, params V1ServicePort[] ports) =>
        Service(name, new V1ServiceSpec { ClusterIP = clusterIp, Ports = ports });

    public DnsTestClient Service(string name, V1ServiceSpec spec)
    {
        var key = new ObjectKey("default", name);
        Directory.SetService(key, new V1Service { Metadata = new() { Name = name, NamespaceProperty = "default" }, Spec = spec });
        return this;
    }

    public DnsTestClient Endpoints(string name, int port, string portName, params (string Ip, string? Hostname)[] endpoints)
    {
        var subset = new V1EndpointSubset
        {
            Addresses = [.. endpoints.Select(e => new V1EndpointAddress { Ip = e.Ip, Hostname = e.Hostname })],
            Ports = [new Corev1EndpointPort { Name = portName, Port = port, Protocol = "TCP" }],
        };
        Directory.SetEndpoints(new("default", name), new V1Endpoints { Subsets = [subset] });
        return this;
    }

    /// <summary>The answer in one line: code, then each record as type and data.</summary>
    public string Ask(string name, DnsType type = DnsType.A) => Read(Raw(Query(name, type)));

    public byte[] Raw(byte[] packet, bool tcp = false)
    {
        var resolver = new DnsResolver(Options, Directory, new FakeTimeProvider());
        var answer = resolver.AnswerAsync(packet, tcp, TestContext.Current.CancellationToken).AsTask();
        Assert.True(answer.IsCompletedSuccessfully);
        return answer.Result!;
    }

    public static byte[] Query(string name, DnsType type, int ednsSize = 0)
    {
        var packet = new List<byte> { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, (byte)(ednsSize > 0 ? 1 : 0) };
        packet.AddRange(DnsName.Encode(name));
        packet.AddRange([(byte)((int)type >> 8), (byte)type, 0, 1]);
        if (ednsSize > 0)
        {
            packet.AddRange([0, 0, 41, (byte)(ednsSize >> 8), (byte)ednsSize, 0, 0, 0, 0, 0, 0]);
        }

        return [.. packet];
    }

    public static string Read(byte[] reply)
    {
        Assert.Equal(0x1234, BinaryPrimitives.ReadUInt16BigEndian(reply));
        var parts = new List<string> { ((DnsCode)(reply[3] & 15)).ToString() };
        var offset = 12;
        Assert.True(DnsName.TrySkip(reply, ref offset));
        offset += 4;
        for (var i = reply[7] + reply[9]; i > 0; i--)
        {
            DnsName.TrySkip(reply, ref offset);
            var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(offset));
            var length = BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(offset + 8));
            parts.Add($"{type} {Data(type, reply.AsSpan(offset + 10, length))}".TrimEnd());
            offset += 10 + length;
        }

        return string.Join(" | ", parts);
    }

    private static string Data(DnsType type, ReadOnlySpan<byte> data)
    {
        var offset = type == DnsType.Srv ? 6 : 0;
        return type switch
        {
            DnsType.A or DnsType.Aaaa => new IPAddress(data).ToString(),
            DnsType.Cname or DnsType.Ptr or DnsType.Ns => Name(data, ref offset),
            DnsType.Srv => $"{BinaryPrimitives.ReadUInt16BigEndian(data[4..])} {Name(data, ref offset)}",
            _ => "",
        };
    }

    private static string Name(ReadOnlySpan<byte> data, ref int offset)
    {
        Assert.True(DnsName.TryRead(data, ref offset, out var name));
        return name;
    }
}
