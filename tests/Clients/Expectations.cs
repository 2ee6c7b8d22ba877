using k8s.Models;

namespace Knet.Tests.Clients;

/// <summary>
/// What was written and must be seen by one watcher, by uid and number. A watch that is interrupted resumes where it was, so every single
/// write must come, not only the last.
/// </summary>
internal sealed class Expectations
{
    /// <summary>The key in a ConfigMap's data under which its number stands.</summary>
    public const string Number = "number";

    /// <summary>The number that stands for the deletion.</summary>
    private const string Deleted = "deleted";

    private readonly Lock _gate = new();
    private readonly HashSet<(string Uid, string Number)> _written = [];
    private readonly HashSet<(string Uid, string Number)> _seen = [];

    /// <summary>How many writes were not seen yet.</summary>
    public int Missing
    {
        get
        {
            lock (_gate)
            {
                return _written.Count;
            }
        }
    }

    public void Wrote(V1ConfigMap map, bool deleted = false) => Match((map.Metadata.Uid, deleted ? Deleted : map.Data[Number]), _written, _seen);

    public void Saw(V1ConfigMap map, bool deleted = false) => Match((map.Metadata.Uid, deleted ? Deleted : map.Data[Number]), _seen, _written);

    // A write may be seen before its answer has come.
    private void Match((string Uid, string Number) key, HashSet<(string Uid, string Number)> own, HashSet<(string Uid, string Number)> other)
    {
        lock (_gate)
        {
            if (!other.Remove(key))
            {
                own.Add(key);
            }
        }
    }
}
