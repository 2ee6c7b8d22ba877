using System.Net;

namespace Knet.Node.Network;

/// <summary>
/// Hands out addresses of a range. A released address comes round again only after all others, so that a client with an old address
/// meets nobody rather than a stranger.
/// </summary>
/// <remarks>Thread-safe. The network's first two addresses (base, gateway) and the broadcast address are never given.</remarks>
internal sealed class AddressPool
{
    private readonly uint _first;
    private readonly uint _count;
    private readonly HashSet<uint> _used = [];
    private readonly Lock _lock = new();
    private uint _next;

    /// <param name="range">IPv4, at most /28.</param>
    /// <param name="start">Where the round begins: random after a start, so that addresses of the last run are not reused first.</param>
    public AddressPool(IPNetwork range, uint start)
    {
        var size = 1u << (32 - range.PrefixLength);
        _first = Ipv4.ToNumber(range.BaseAddress) + 2;
        _count = size - 3;
        _next = start % _count;
    }

    public int Used
    {
        get
        {
            lock (_lock)
            {
                return _used.Count;
            }
        }
    }

    /// <exception cref="NetworkException">Every address is in use.</exception>
    public IPAddress Allocate()
    {
        lock (_lock)
        {
            if (_used.Count >= _count)
            {
                throw new NetworkException(
                    $"all {_count} pod addresses are in use: delete pods or choose a larger {nameof(NetworkOptions.PodRange)}");
            }

            while (!_used.Add(_first + _next))
            {
                Advance();
            }

            var address = Ipv4.ToAddress(_first + _next);
            Advance();
            return address;
        }
    }

    /// <summary>Takes a given address; false when it is outside the range or in use.</summary>
    public bool TryTake(IPAddress address)
    {
        var number = Ipv4.ToNumber(address);
        lock (_lock)
        {
            return number >= _first && number - _first < _count && _used.Add(number);
        }
    }

    public void Release(IPAddress address)
    {
        lock (_lock)
        {
            _used.Remove(Ipv4.ToNumber(address));
        }
    }

    private void Advance() => _next = (_next + 1) % _count;
}
