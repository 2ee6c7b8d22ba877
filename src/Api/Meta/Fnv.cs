namespace Knet.Api.Meta;

/// <summary>FNV-1a hashes (isthe.com/chongo/tech/comp/fnv): quick and stable, of no use against somebody who looks for collisions.</summary>
public static class Fnv
{
    public static uint Hash32(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var value in bytes)
        {
            hash = (hash ^ value) * 16777619u;
        }

        return hash;
    }

    public static ulong Hash64(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var value in bytes)
        {
            hash = (hash ^ value) * 1099511628211UL;
        }

        return hash;
    }
}
