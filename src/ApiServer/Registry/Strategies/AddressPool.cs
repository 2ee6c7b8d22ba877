using System.Net;
using System.Numerics;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>The Service range as numbers.</summary>
internal sealed class AddressPool
{
    private readonly long _network;
    private readonly NumberPool _numbers;

    public AddressPool(IPNetwork range)
    {
        _network = ToNumber(range.BaseAddress)
            ?? throw new ArgumentException($"the Service range must be IPv4, such as 10.43.0.0/16, and is {range}", nameof(range));
        var size = 1L << (32 - range.PrefixLength);
        if (size < 8)
        {
            throw new ArgumentException($"the Service range {range} is too small: it needs a prefix of 29 or shorter", nameof(range));
        }

        First = ToAddress(_network + 1);
        _numbers = new NumberPool(_network + 2, _network + size - 2);
        Range = range;
    }

    /// <summary>The API's own address.</summary>
    public string First { get; }

    public IPNetwork Range { get; }

    public bool Contains(string address) =>
        IPAddress.TryParse(address, out var parsed) && ToNumber(parsed) is { } number && (_numbers.Contains(number) || address == First);

    public bool TryTake(string address) => _numbers.TryTake(ToNumber(IPAddress.Parse(address))!.Value);

    public string? TakeAny() => _numbers.TakeAny() is { } number ? ToAddress(number) : null;

    public void Release(string address) => _numbers.Release(ToNumber(IPAddress.Parse(address))!.Value);

    private static long? ToNumber(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        return bytes.Length == 4 ? (long)new BigInteger(bytes, isUnsigned: true, isBigEndian: true) : null;
    }

    private static string ToAddress(long number) =>
        new IPAddress([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]).ToString();
}
