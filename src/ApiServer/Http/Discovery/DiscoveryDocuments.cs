using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Knet.Api.Meta;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;

namespace Knet.ApiServer.Http.Discovery;

/// <summary>The discovery documents of one catalog, made once per catalog.</summary>
internal sealed class DiscoveryDocuments
{
    private static readonly ConditionalWeakTable<KindCatalog, DiscoveryDocuments> Known = [];
    private readonly KindCatalog _catalog;

    private DiscoveryDocuments(KindCatalog catalog)
    {
        _catalog = catalog;
        Groups = [.. catalog.All.Where(k => k.Type.Group.Length > 0).GroupBy(k => k.Type.Group).Select(g => g.Key)];
        AggregatedCore = Answers.Make(w => WriteAggregated(w, [""]));
        AggregatedGroups = Answers.Make(w => WriteAggregated(w, Groups));
        Core = Answers.Make(WriteCore);
        GroupList = Answers.Make(WriteGroupList);
    }

    public IReadOnlyList<string> Groups { get; }

    /// <summary><c>/api</c> and <c>/apis</c> in the aggregated form.</summary>
    public ReadOnlyMemory<byte> AggregatedCore { get; }
    public ReadOnlyMemory<byte> AggregatedGroups { get; }

    /// <summary><c>/api</c>: APIVersions.</summary>
    public ReadOnlyMemory<byte> Core { get; }

    /// <summary><c>/apis</c>: APIGroupList.</summary>
    public ReadOnlyMemory<byte> GroupList { get; }

    public static DiscoveryDocuments For(KindCatalog catalog) => Known.GetValue(catalog, c => new DiscoveryDocuments(c));

    /// <summary>An ETag of a document.</summary>
    public static string Tag(ReadOnlyMemory<byte> document) => $"\"{Convert.ToHexString(SHA256.HashData(document.Span))}\"";

    /// <summary><c>/apis/{group}</c>: APIGroup, or null when the group is not served.</summary>
    public ReadOnlyMemory<byte>? Group(string group) => Groups.Contains(group)
        ? Answers.Make(w => WriteGroup(w, group, alone: true))
        : null;

    /// <summary><c>/api/v1</c> and <c>/apis/{group}/{version}</c>: APIResourceList, or null when that is not served.</summary>
    public ReadOnlyMemory<byte>? Resources(string group, string version)
    {
        var kinds = _catalog.All.Where(k => k.Type.Group == group && k.Type.Version == version).ToList();
        return kinds.Count == 0 ? null : Answers.Make(w => WriteResources(w, kinds));
    }

    private IEnumerable<string> Versions(string group) =>
        _catalog.All.Where(k => k.Type.Group == group).Select(k => k.Type.Version).Distinct().Order(VersionOrder.Instance);

    private static void WriteCore(Utf8JsonWriter w)
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIVersions");
        w.WriteStartArray("versions");
        w.WriteStringValue("v1");
        w.WriteEndArray();
        w.WriteStartArray("serverAddressByClientCIDRs");
        w.WriteEndArray();
        w.WriteEndObject();
    }

    private void WriteGroupList(Utf8JsonWriter w)
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIGroupList");
        w.WriteString("apiVersion", "v1");
        w.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            WriteGroup(w, group, alone: false);
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }

    private void WriteGroup(Utf8JsonWriter w, string group, bool alone)
    {
        void Version(string version)
        {
            w.WriteStartObject();
            w.WriteString("groupVersion", $"{group}/{version}");
            w.WriteString("version", version);
            w.WriteEndObject();
        }

        w.WriteStartObject();
        if (alone)
        {
            w.WriteString("kind", "APIGroup");
            w.WriteString("apiVersion", "v1");
        }

        w.WriteString("name", group);
        w.WriteStartArray("versions");
        foreach (var version in Versions(group))
        {
            Version(version);
        }

        w.WriteEndArray();
        w.WritePropertyName("preferredVersion");
        Version(Versions(group).First());
        w.WriteEndObject();
    }

    private static void WriteResources(Utf8JsonWriter w, List<KindInfo> kinds)
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIResourceList");
        w.WriteString("apiVersion", "v1");
        w.WriteString("groupVersion", kinds[0].Type.ApiVersion);
        w.WriteStartArray("resources");
        foreach (var kind in kinds)
        {
            w.WriteStartObject();
            w.WriteString("name", kind.Type.Plural);
            w.WriteString("singularName", kind.Singular);
            w.WriteBoolean("namespaced", kind.Type.Namespaced);
            w.WriteString("kind", kind.Type.Kind);
            WriteList(w, "verbs", kind.Verbs, always: true);
            WriteList(w, "shortNames", kind.ShortNames);
            WriteList(w, "categories", kind.Categories);
            w.WriteEndObject();
            foreach (var (subresource, speaks) in kind.Subresources)
            {
                w.WriteStartObject();
                w.WriteString("name", $"{kind.Type.Plural}/{subresource}");
                w.WriteString("singularName", "");
                w.WriteBoolean("namespaced", kind.Type.Namespaced);
                if (speaks.ApiVersion != kind.Type.ApiVersion)
                {
                    w.WriteString("group", speaks.Group);
                    w.WriteString("version", speaks.Version);
                }

                w.WriteString("kind", speaks.Kind);
                WriteList(w, "verbs", SubresourceVerbs(subresource), always: true);
                w.WriteEndObject();
            }
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }

    private void WriteAggregated(Utf8JsonWriter w, IReadOnlyList<string> groups)
    {
        w.WriteStartObject();
        w.WriteString("kind", "APIGroupDiscoveryList");
        w.WriteString("apiVersion", "apidiscovery.k8s.io/v2");
        w.WriteStartObject("metadata");
        w.WriteEndObject();
        w.WriteStartArray("items");
        foreach (var group in groups)
        {
            w.WriteStartObject();
            w.WriteStartObject("metadata");
            if (group.Length > 0)
            {
                w.WriteString("name", group);
            }

            w.WriteNull("creationTimestamp");
            w.WriteEndObject();
            w.WriteStartArray("versions");
            foreach (var version in Versions(group))
            {
                w.WriteStartObject();
                w.WriteString("version", version);
                w.WriteStartArray("resources");
                foreach (var kind in _catalog.All.Where(k => k.Type.Group == group && k.Type.Version == version))
                {
                    WriteAggregatedKind(w, kind);
                }

                w.WriteEndArray();
                w.WriteString("freshness", "Current");
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }

    private static void WriteAggregatedKind(Utf8JsonWriter w, KindInfo kind)
    {
        w.WriteStartObject();
        w.WriteString("resource", kind.Type.Plural);
        WriteResponseKind(w, kind.Type);
        w.WriteString("scope", kind.Type.Namespaced ? "Namespaced" : "Cluster");
        w.WriteString("singularResource", kind.Singular);
        WriteList(w, "verbs", kind.Verbs, always: true);
        WriteList(w, "shortNames", kind.ShortNames);
        WriteList(w, "categories", kind.Categories);
        if (kind.Subresources.Count > 0)
        {
            w.WriteStartArray("subresources");
            foreach (var (subresource, speaks) in kind.Subresources)
            {
                w.WriteStartObject();
                w.WriteString("subresource", subresource);
                WriteResponseKind(w, speaks);
                WriteList(w, "verbs", SubresourceVerbs(subresource), always: true);
                w.WriteEndObject();
            }

            w.WriteEndArray();
        }

        w.WriteEndObject();
    }

    private static void WriteResponseKind(Utf8JsonWriter w, ResourceType type)
    {
        w.WriteStartObject("responseKind");
        w.WriteString("group", type.Group);
        w.WriteString("version", type.Version);
        w.WriteString("kind", type.Kind);
        w.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter w, string name, IReadOnlyList<string> values, bool always = false)
    {
        if (values.Count == 0 && !always)
        {
            return;
        }

        w.WriteStartArray(name);
        foreach (var value in values)
        {
            w.WriteStringValue(value);
        }

        w.WriteEndArray();
    }

    private static string[] SubresourceVerbs(string subresource) => subresource switch
    {
        "log" => ["get"],
        "exec" or "attach" or "portforward" => ["create", "get"],
        "binding" or "eviction" or "token" => ["create"],
        "finalize" => ["update"],
        "proxy" => ["create", "delete", "get", "patch", "update"],
        _ => ["get", "patch", "update"],
    };
}
