using System.Collections.Frozen;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Kinds;

/// <summary>
/// What is served now: built-in kinds and those of the CRDs. The catalog is replaced whole with each change of a CRD.
/// </summary>
internal sealed class KindSource
{
    private static readonly FrozenSet<(string Group, string Plural)> BuiltIn =
        BuiltInKinds.All.Select(k => (k.Type.Group, k.Type.Plural)).ToFrozenSet();

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, IReadOnlyList<KindInfo>> _custom = new(StringComparer.Ordinal);
    private KindCatalog _catalog = new(BuiltInKinds.All);

    public KindCatalog Catalog => Volatile.Read(ref _catalog);

    /// <summary>
    /// Serves the kinds of a CRD (one per served version), or none of it any more. A CRD cannot take the place of a built-in kind.
    /// </summary>
    public void Replace(string crd, IReadOnlyList<KindInfo> kinds)
    {
        kinds = [.. kinds.Where(k => !BuiltIn.Contains((k.Type.Group, k.Type.Plural)))];
        lock (_gate)
        {
            if (kinds.Count == 0)
            {
                _custom.Remove(crd);
            }
            else
            {
                _custom[crd] = kinds;
            }

            Volatile.Write(ref _catalog, new KindCatalog([.. BuiltInKinds.All, .. _custom.Values.SelectMany(k => k)]));
        }
    }

    /// <summary>The kind as it is stored: all versions of a kind share its objects.</summary>
    public KindInfo HubOf(KindInfo kind)
    {
        if (kind.Type is { Group: "events.k8s.io", Plural: "events" })
        {
            return Catalog.Find("", "v1", "events")!;
        }

        return kind.StorageVersion == kind.Type.Version
            ? kind
            : Catalog.Find(kind.Type.Group, kind.StorageVersion, kind.Type.Plural)
                ?? kind with { Type = kind.Type with { Version = kind.StorageVersion } };
    }

    /// <summary>The name of the table that holds a kind's objects.</summary>
    public static string TableOf(ResourceType hub) => $"{hub.Group}/{hub.Plural}";
}
