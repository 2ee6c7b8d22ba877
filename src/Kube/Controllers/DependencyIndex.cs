using Knet.Api.Meta;

namespace Knet.Kube.Controllers;

internal enum ReadKind
{
    Object,
    Owned,
    Labelled,
    All,
    Config,
}

/// <summary>One thing a reconcile looked at. Which members count depends on the kind; the others are empty.</summary>
internal readonly record struct ReadToken(ReadKind Kind, Type Type, string Namespace = "", string Name = "", string Value = "");

/// <summary>Who has read what, in one controller: a change costs as much as there are readers of what changed.</summary>
/// <remarks>
/// A token is recorded before the cache is read, and changes are looked up after the cache has them: so a change is either seen by the
/// read or wakes the reader.
/// </remarks>
internal sealed class DependencyIndex
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ReadToken, HashSet<ObjectKey>> _readers = [];
    private readonly Dictionary<ObjectKey, HashSet<ReadToken>> _reads = [];

    public void Record(ObjectKey key, ReadToken token)
    {
        lock (_lock)
        {
            if (!_reads.TryGetValue(key, out var tokens))
            {
                _reads[key] = tokens = [];
            }

            if (tokens.Add(token))
            {
                if (!_readers.TryGetValue(token, out var keys))
                {
                    _readers[token] = keys = [];
                }

                keys.Add(key);
            }
        }
    }

    /// <summary>After a reconcile: forgets what earlier ones read and this one did not.</summary>
    public void Commit(ObjectKey key, HashSet<ReadToken> current)
    {
        lock (_lock)
        {
            if (!_reads.TryGetValue(key, out var tokens) || tokens.Count == current.Count)
            {
                return;
            }

            foreach (var token in tokens)
            {
                if (!current.Contains(token))
                {
                    RemoveReader(token, key);
                }
            }

            tokens.IntersectWith(current);
        }
    }

    public void Forget(ObjectKey key)
    {
        lock (_lock)
        {
            if (_reads.Remove(key, out var tokens))
            {
                foreach (var token in tokens)
                {
                    RemoveReader(token, key);
                }
            }
        }
    }

    /// <summary>Calls back for each key that read this.</summary>
    public void Wake(in ReadToken token, Action<ObjectKey> wake)
    {
        lock (_lock)
        {
            if (_readers.TryGetValue(token, out var keys))
            {
                foreach (var key in keys)
                {
                    wake(key);
                }
            }
        }
    }

    private void RemoveReader(ReadToken token, ObjectKey key)
    {
        if (_readers.TryGetValue(token, out var keys) && keys.Remove(key) && keys.Count == 0)
        {
            _readers.Remove(token);
        }
    }
}
