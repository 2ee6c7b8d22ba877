using System.Collections.Frozen;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry;

/// <summary>Every kind and version served at one moment. Immutable.</summary>
public sealed class KindCatalog
{
    private readonly FrozenDictionary<(string Group, string Version, string Plural), KindInfo> _byPlural;
    private readonly FrozenDictionary<(string Group, string Version, string Kind), KindInfo> _byKind;

    public KindCatalog(IEnumerable<KindInfo> kinds)
    {
        All = [.. kinds];
        _byPlural = All.ToFrozenDictionary(k => (k.Type.Group, k.Type.Version, k.Type.Plural));
        _byKind = All.DistinctBy(k => (k.Type.Group, k.Type.Version, k.Type.Kind))
            .ToFrozenDictionary(k => (k.Type.Group, k.Type.Version, k.Type.Kind));
    }

    public static KindCatalog Empty { get; } = new([]);

    /// <summary>In the order discovery shows.</summary>
    public IReadOnlyList<KindInfo> All { get; }

    public KindInfo? Find(string group, string version, string plural) => _byPlural.GetValueOrDefault((group, version, plural));

    public KindInfo? Find(ResourceType type) => Find(type.Group, type.Version, type.Plural);

    public KindInfo? FindKind(string group, string version, string kind) => _byKind.GetValueOrDefault((group, version, kind));
}
