using System.Net;
using CsCheck;
using Knet.Node.Network;
using Xunit;

namespace Knet.Tests.Unit.Node.Network;

public sealed class AddressPoolTests
{
    private static readonly IPNetwork Small = IPNetwork.Parse("10.9.0.0/28");

    [Fact]
    public void Addresses_SkipBaseGatewayAndBroadcast()
    {
        var pool = new AddressPool(Small, 0);
        var all = Enumerable.Range(0, 13).Select(_ => pool.Allocate().ToString()).ToArray();
        Assert.Equal(Enumerable.Range(2, 13).Select(i => $"10.9.0.{i}"), all);
        Assert.Contains("13 pod addresses", Assert.Throws<NetworkException>(() => pool.Allocate()).Message);
    }

    [Fact]
    public void ReleasedAddress_ComesLast()
    {
        var pool = new AddressPool(Small, 0);
        pool.Release(pool.Allocate());
        Assert.DoesNotContain("10.9.0.2", Enumerable.Range(0, 12).Select(_ => pool.Allocate().ToString()));
        Assert.Equal("10.9.0.2", pool.Allocate().ToString());
    }

    [Theory]
    [InlineData("10.9.0.7", true)]
    [InlineData("10.9.0.1", false)]
    [InlineData("10.9.0.15", false)]
    [InlineData("10.8.255.255", false)]
    [InlineData("10.10.0.3", false)]
    public void Adopting_TakesOnlyAddressesOfPods(string address, bool taken)
    {
        var pool = new AddressPool(Small, 0);
        Assert.Equal(taken, pool.TryTake(IPAddress.Parse(address)));
        Assert.False(pool.TryTake(IPAddress.Parse(address)));
    }

    [Fact]
    public void NoAddress_IsEverGivenTwice() => Gen.Select(Gen.UInt, Gen.Bool.Array[1, 60]).Sample((start, steps) =>
    {
        var pool = new AddressPool(Small, start);
        var held = new Queue<IPAddress>();
        foreach (var take in steps)
        {
            if (take && held.Count < 13)
            {
                var address = pool.Allocate();
                Assert.DoesNotContain(address, held);
                held.Enqueue(address);
            }
            else if (held.TryDequeue(out var old))
            {
                pool.Release(old);
            }

            Assert.Equal(held.Count, pool.Used);
        }
    });
}
