using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Kube.Informers;

/// <summary>
/// The objects of one kind by key, namespace, controlling owner, uid and label. Label indexes are built when a label is first asked
/// for, then kept up to date.
/// </summary>
/// <remarks>Read from any thread; written by the informer only. Answers are copies, sorted by namespace and name.</remarks>
internal sealed class ObjectCache
{
    private readonly Lock _lock = new();
    private Contents _contents = new([]);

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _contents.ByKey.Count;
            }
        }
    }

    /// <summary>The uid of the owner that controls an object, or null.</summary>
    public static string? ControllerOf(V1ObjectMeta metadata)
    {
        if (metadata.OwnerReferences is { } owners)
        {
            foreach (var owner in owners)
            {
                if (owner.Controller == true)
                {
                    return owner.Uid;
                }
            }
        }

        return null;
    }

    public KubeDocument? Find(ObjectKey key)
    {
        lock (_lock)
        {
            return _contents.ByKey.GetValueOrDefault(key);
        }
    }

    public KubeDocument? FindByUid(string uid)
    {
        lock (_lock)
        {
            return _contents.ByUid.GetValueOrDefault(uid);
        }
    }

    public List<KubeDocument> List(string ns)
    {
        lock (_lock)
        {
            return ns.Length == 0 ? Sort([.. _contents.ByKey.Values]) : Collect(_contents.ByNamespace, ns);
        }
    }

    public List<KubeDocument> Owned(string ownerUid)
    {
        lock (_lock)
        {
            return Collect(_contents.ByOwner, ownerUid);
        }
    }

    public List<KubeDocument> Labelled(string ns, string label, string value)
    {
        lock (_lock)
        {
            return Collect(_contents.LabelIndex(label), (ns, value));
        }
    }

    public void Set(KubeDocument document)
    {
        lock (_lock)
        {
            _contents.Remove(document.Key);
            _contents.Add(document);
        }
    }

    public void Remove(ObjectKey key)
    {
        lock (_lock)
        {
            _contents.Remove(key);
        }
    }

    /// <summary>Puts a complete list in the place of everything, at one moment for all readers. Returns what was there before.</summary>
    public IReadOnlyDictionary<ObjectKey, KubeDocument> Replace(IEnumerable<KubeDocument> documents)
    {
        var fresh = new Contents(documents);
        lock (_lock)
        {
            foreach (var label in _contents.Labels)
            {
                fresh.LabelIndex(label);
            }

            var old = _contents.ByKey;
            _contents = fresh;
            return old;
        }
    }

    private static List<KubeDocument> Sort(List<KubeDocument> found)
    {
        found.Sort(static (a, b) =>
        {
            var ns = string.CompareOrdinal(a.Key.Namespace, b.Key.Namespace);
            return ns != 0 ? ns : string.CompareOrdinal(a.Key.Name, b.Key.Name);
        });
        return found;
    }

    private List<KubeDocument> Collect<TIndex>(Dictionary<TIndex, HashSet<ObjectKey>> index, TIndex value) where TIndex : notnull
    {
        if (!index.TryGetValue(value, out var keys))
        {
            return [];
        }

        var found = new List<KubeDocument>(keys.Count);
        foreach (var key in keys)
        {
            found.Add(_contents.ByKey[key]);
        }

        return Sort(found);
    }

    private sealed class Contents
    {
        private readonly Dictionary<string, Dictionary<(string Namespace, string Value), HashSet<ObjectKey>>> _labels = [];

        public Contents(IEnumerable<KubeDocument> documents)
        {
            foreach (var document in documents)
            {
                Add(document);
            }
        }

        public Dictionary<ObjectKey, KubeDocument> ByKey { get; } = [];
        public Dictionary<string, KubeDocument> ByUid { get; } = [];
        public Dictionary<string, HashSet<ObjectKey>> ByNamespace { get; } = [];
        public Dictionary<string, HashSet<ObjectKey>> ByOwner { get; } = [];
        public IEnumerable<string> Labels => _labels.Keys;

        public void Add(KubeDocument document)
        {
            var (key, metadata) = (document.Key, document.Metadata);
            ByKey[key] = document;
            if (metadata.Uid is { } uid)
            {
                ByUid[uid] = document;
            }

            Put(ByNamespace, key.Namespace, key);
            if (ControllerOf(metadata) is { } owner)
            {
                Put(ByOwner, owner, key);
            }

            foreach (var (label, index) in _labels)
            {
                AddLabel(index, label, document);
            }
        }

        public void Remove(ObjectKey key)
        {
            if (!ByKey.Remove(key, out var document))
            {
                return;
            }

            var metadata = document.Metadata;
            if (metadata.Uid is { } uid)
            {
                ByUid.Remove(uid);
            }

            Take(ByNamespace, key.Namespace, key);
            if (ControllerOf(metadata) is { } owner)
            {
                Take(ByOwner, owner, key);
            }

            foreach (var (label, index) in _labels)
            {
                if (metadata.Labels is { } labels && labels.TryGetValue(label, out var value))
                {
                    Take(index, (key.Namespace, value), key);
                    Take(index, ("", value), key);
                }
            }
        }

        public Dictionary<(string Namespace, string Value), HashSet<ObjectKey>> LabelIndex(string label)
        {
            if (!_labels.TryGetValue(label, out var index))
            {
                _labels[label] = index = [];
                foreach (var document in ByKey.Values)
                {
                    AddLabel(index, label, document);
                }
            }

            return index;
        }

        private static void AddLabel(
            Dictionary<(string Namespace, string Value), HashSet<ObjectKey>> index, string label, KubeDocument document)
        {
            if (document.Metadata.Labels is { } labels && labels.TryGetValue(label, out var value))
            {
                Put(index, (document.Key.Namespace, value), document.Key);
                Put(index, ("", value), document.Key);
            }
        }

        private static void Put<TIndex>(Dictionary<TIndex, HashSet<ObjectKey>> index, TIndex value, ObjectKey key) where TIndex : notnull
        {
            if (!index.TryGetValue(value, out var keys))
            {
                index[value] = keys = [];
            }

            keys.Add(key);
        }

        private static void Take<TIndex>(Dictionary<TIndex, HashSet<ObjectKey>> index, TIndex value, ObjectKey key) where TIndex : notnull
        {
            if (index.TryGetValue(value, out var keys) && keys.Remove(key) && keys.Count == 0)
            {
                index.Remove(value);
            }
        }
    }
}
