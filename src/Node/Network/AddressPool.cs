using System.Net;
using Knet.Api.Meta;

namespace Knet.Node.Network;

/// <summary>Hands out addresses of a range, a released one after all others (<see cref="NumberPool"/>).</summary>
/// <remarks>Thread-safe. The network's first two addresses (base, gateway) and the broadcast address are never given.</remarks>
internal sealed class AddressPool
{
    private readonly NumberPool _numbers;
    private readonly uint _count;

    /// <param name="range">IPv4, at most /28.</param>
    /// <param name="start">Where the round begins: random after a start, so that addresses of the last run are not reused first.</param>
    public AddressPool(IPNetwork range, uint start)
    {
        var first = Ipv4.ToNumber(range.BaseAddress) + 2;
        _count = (1u << (32 - range.PrefixLength)) - 3;
        _numbers = new NumberPool(first, first + _count - 1, start);
    }

    public int Used => _numbers.Taken;

    /// <exception cref="NetworkException">Every address is in use.</exception>
    public IPAddress Allocate() => _numbers.TakeAny() is { } number
        ? Ipv4.ToAddress((uint)number)
        : throw new NetworkException(
            $"all {_count} pod addresses are in use: delete pods or choose a larger {nameof(NetworkOptions.PodRange)}");

    /// <summary>Takes a given address; false when it is outside the range or in use.</summary>
    public bool TryTake(IPAddress address)
    {
        var number = Ipv4.ToNumber(address);
        return _numbers.Contains(number) && _numbers.TryTake(number);
    }

    public void Release(IPAddress address) => _numbers.Release(Ipv4.ToNumber(address));
}
