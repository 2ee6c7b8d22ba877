using Knet.Oci.Formats;

namespace Knet.Oci.Store;

/// <summary>
/// Digests that work in progress relies on though no stored name leads to them yet. Garbage collection leaves them alone.
/// </summary>
/// <remarks>
/// Whoever makes an image pins a digest before asking whether its blob is there. The collector asks under <see cref="Gate"/> what is pinned
/// and deletes before it leaves the gate, so a blob found after pinning stays.
/// </remarks>
internal sealed class Pins
{
    private readonly Dictionary<Digest, int> _counts = [];

    internal Lock Gate { get; } = new();

    internal PinScope Open() => new(this);

    /// <summary>Call it within <see cref="Gate"/>.</summary>
    internal bool Has(Digest digest) => _counts.ContainsKey(digest);

    internal void Add(Digest digest)
    {
        lock (Gate)
        {
            _counts[digest] = _counts.GetValueOrDefault(digest) + 1;
        }
    }

    internal void Remove(IEnumerable<Digest> digests)
    {
        lock (Gate)
        {
            foreach (var digest in digests)
            {
                if (--_counts[digest] == 0)
                {
                    _counts.Remove(digest);
                }
            }
        }
    }
}

/// <summary>What one piece of work has pinned; disposing lets go of all of it.</summary>
internal sealed class PinScope(Pins pins) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Digest> _digests = [];

    internal Digest Add(Digest digest)
    {
        pins.Add(digest);
        lock (_gate)
        {
            _digests.Add(digest);
        }

        return digest;
    }

    public void Dispose() => pins.Remove(_digests);
}
