using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;

namespace Knet.ApiServer.Registry.Owners;

/// <summary>An object as the collector sees it.</summary>
internal sealed class OwnedNode(string uid, string table, ObjectKey key)
{
    public string Uid { get; } = uid;
    public string Table { get; } = table;
    public ObjectKey Key { get; } = key;
    public IList<V1OwnerReference> Owners { get; set; } = [];
    public bool IsDeleting { get; set; }
    public bool WaitsForDependents { get; set; }
    public bool Orphans { get; set; }
}

/// <summary>Who owns whom, by uid; kept up by events, so a change costs what it touches.</summary>
internal sealed class OwnerGraph
{
    private static readonly HashSet<OwnedNode> None = [];
    private readonly Dictionary<string, OwnedNode> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<OwnedNode>> _dependents = new(StringComparer.Ordinal);

    public OwnedNode? Find(string uid) => _nodes.GetValueOrDefault(uid);

    /// <summary>Objects that name this uid as an owner.</summary>
    public IReadOnlyCollection<OwnedNode> DependentsOf(string uid) => _dependents.GetValueOrDefault(uid, None);

    public OwnedNode? Put(string table, StoredObject stored)
    {
        var metadata = stored.Document.Metadata;
        if (metadata.Uid is not { Length: > 0 } uid)
        {
            return null;
        }

        if (!_nodes.TryGetValue(uid, out var node))
        {
            _nodes[uid] = node = new OwnedNode(uid, table, stored.Key);
        }

        Unlink(node);
        node.Owners = metadata.OwnerReferences ?? [];
        node.IsDeleting = metadata.DeletionTimestamp is not null;
        node.WaitsForDependents = node.IsDeleting && metadata.Finalizers?.Contains(Deletions.Foreground) == true;
        node.Orphans = node.IsDeleting && metadata.Finalizers?.Contains(Deletions.Orphan) == true;
        foreach (var owner in node.Owners)
        {
            if (!_dependents.TryGetValue(owner.Uid, out var dependents))
            {
                _dependents[owner.Uid] = dependents = [];
            }

            dependents.Add(node);
        }

        return node;
    }

    public OwnedNode? Remove(StoredObject stored)
    {
        if (stored.Document.Metadata.Uid is not { } uid || !_nodes.Remove(uid, out var node))
        {
            return null;
        }

        Unlink(node);
        return node;
    }

    private void Unlink(OwnedNode node)
    {
        foreach (var owner in node.Owners)
        {
            if (_dependents.TryGetValue(owner.Uid, out var dependents) && dependents.Remove(node) && dependents.Count == 0)
            {
                _dependents.Remove(owner.Uid);
            }
        }
    }
}
