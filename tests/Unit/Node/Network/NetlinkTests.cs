using System.Buffers.Binary;
using System.Net;
using CsCheck;
using Knet.Node.Network.Netlink;
using Xunit;

namespace Knet.Tests.Unit.Node.Network;

/// <summary>The bytes that go to the kernel, and what is read from it.</summary>
public sealed class NetlinkTests
{
    [Fact]
    public void Address_IsWrittenAsTheKernelReadsIt() => Assert.Equal(
        "28000000" + "1400" + "0505" + "01000000" + "00000000" // length 40, RTM_NEWADDR, REQUEST|ACK|CREATE|REPLACE, sequence 1
        + "02200000" + "07000000" // AF_INET, /32, link 7
        + "08000200" + "0a2a0005" + "08000100" + "0a2a0005", // IFA_LOCAL, IFA_ADDRESS
        Convert.ToHexStringLower(new NetlinkBatch().AddAddress(7, IPAddress.Parse("10.42.0.5"), 32).Bytes));

    [Fact]
    public void UnreachableRoute_IsWrittenAsTheKernelReadsIt() => Assert.Equal(
        "2c000000" + "1800" + "0505" + "01000000" + "00000000"
        + "02100000" + "fe4b0007" + "00000000" // AF_INET, /16, main table, our protocol, universe, unreachable
        + "08000100" + "0a2b0000" + "08000600" + "09000000",
        Convert.ToHexStringLower(new NetlinkBatch().AddUnreachable(IPNetwork.Parse("10.43.0.0/16"), 9).Bytes));

    [Fact]
    public void Veth_NestsItsPeer()
    {
        var bytes = new NetlinkBatch().AddVeth("eth0", [2, 0, 0, 0, 0, 1], "knp1", [2, 0, 0, 0, 0, 2], 33, 1500).Bytes.ToArray();
        Assert.Equal(bytes.Length, BinaryPrimitives.ReadInt32LittleEndian(bytes));
        var message = new NetlinkReply(16, 1, bytes.AsMemory(16));
        Assert.Equal("eth0", message.Text(16, 3));
        var info = new NetlinkReply(0, 0, message.Attribute(16, 18));
        Assert.Equal("veth", info.Text(0, 1));
        var peer = new NetlinkReply(0, 0, new NetlinkReply(0, 0, info.Attribute(0, 2)).Attribute(0, 1));
        Assert.Equal("knp1", peer.Text(16, 3));
        Assert.Equal(33, BinaryPrimitives.ReadInt32LittleEndian(peer.Attribute(16, 28).Span));
    }

    [Fact]
    public void Batch_NumbersItsRequests()
    {
        var batch = new NetlinkBatch().DeleteLink("a").DeleteLink("bb");
        var messages = NetlinkReply.Parse(batch.Bytes.ToArray());
        Assert.Equal([1, 2], messages.Select(m => m.Sequence));
        Assert.Equal(["a", "bb"], messages.Select(m => m.Text(16, 3)));
        Assert.Equal(["delete link a", "delete link bb"], batch.Steps);
    }

    [Fact]
    public void Acknowledgements_AndErrorsAreToldApart()
    {
        byte[] received =
        [
            .. Convert.FromHexString("24000000020000000100000000000000" + "00000000" + "00000000000000000000000000000000"),
            .. Convert.FromHexString("24000000020000000200000000000000" + "efffffff" + "00000000000000000000000000000000"),
        ];
        Assert.Equal([(1, 0), (2, 17)], NetlinkReply.Parse(received).Select(r => (r.Sequence, r.Errno)));
    }

    [Fact]
    public void Parsing_SurvivesAnyBytes() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        foreach (var reply in NetlinkReply.Parse(bytes))
        {
            _ = (reply.Errno, reply.LinkIndex, reply.Text(16, 3));
        }
    });
}
