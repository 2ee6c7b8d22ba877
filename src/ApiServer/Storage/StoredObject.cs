using System.Collections.Concurrent;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Storage;

/// <summary>One version of one object. Immutable, shared by readers, watchers and the history.</summary>
public sealed class StoredObject
{
    private readonly int _at;
    private readonly int _digits;
    private ConcurrentDictionary<string, KubeDocument>? _views;

    internal StoredObject(ObjectKey key, long revision, EncodedObject body, bool onDisk)
    {
        Key = key;
        Revision = revision;
        OnDisk = onDisk;
        Document = new KubeDocument(body.Stamp(revision));
        _at = body.At;
        _digits = Document.Json.Length - body.Body.Length;
    }

    /// <summary>A probe for searches by key.</summary>
    internal StoredObject(ObjectKey key)
    {
        Key = key;
        Document = null!;
    }

    public ObjectKey Key { get; }
    public long Revision { get; }

    /// <summary>The object in its storage version.</summary>
    public KubeDocument Document { get; }

    /// <summary>Whether a version of the object has been, or is about to be, written to disk.</summary>
    public bool OnDisk { get; }

    /// <summary>The object in another form (such as another version), made once per form.</summary>
    public KubeDocument View(string form, Func<KubeDocument, KubeDocument> convert)
    {
        var views = _views ?? Interlocked.CompareExchange(ref _views, new(StringComparer.Ordinal), null) ?? _views;
        return views.GetOrAdd(form, static (_, state) => state.convert(state.Document), (convert, Document));
    }

    /// <summary>Keeps the JSON alone (<see cref="KubeDocument.Trim"/>).</summary>
    internal void Trim()
    {
        Document.Trim();
        _views = null;
    }

    /// <summary>The same object at another revision: what a deletion shows.</summary>
    internal StoredObject At(long revision)
    {
        var json = Document.Json.Span;
        var body = new byte[json.Length - _digits];
        json[.._at].CopyTo(body);
        json[(_at + _digits)..].CopyTo(body.AsSpan(_at));
        return new StoredObject(Key, revision, new EncodedObject(body, _at), OnDisk);
    }
}

/// <summary>By namespace, then name, both by code points: the order of Kubernetes' lists.</summary>
internal sealed class ObjectOrder : IComparer<StoredObject>
{
    public static ObjectOrder Instance { get; } = new();

    public int Compare(StoredObject? x, StoredObject? y)
    {
        var byNamespace = string.CompareOrdinal(x!.Key.Namespace, y!.Key.Namespace);
        return byNamespace != 0 ? byNamespace : string.CompareOrdinal(x.Key.Name, y.Key.Name);
    }
}
