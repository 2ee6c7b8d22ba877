using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Http.Discovery;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>One document: its hash, known at once, and its content, made at the first call.</summary>
internal sealed class OpenApiDocument(string hash, Func<ReadOnlyMemory<byte>> make)
{
    private readonly Lazy<ReadOnlyMemory<byte>> _content = new(make);

    public string Hash { get; } = hash;

    public ReadOnlyMemory<byte> Content() => _content.Value;
}

/// <summary>OpenAPI of everything served. A document is made anew only when a kind in it changed.</summary>
internal sealed class OpenApiDocuments(string version)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (IReadOnlyList<KindInfo> Kinds, OpenApiDocument Document)> _known = new(StringComparer.Ordinal);

    /// <summary><c>/openapi/v3</c>: where each group and version has its document.</summary>
    public OpenApiDocument Index(KindCatalog catalog) => For("v3", catalog.All, kinds =>
    {
        var json = Answers.Make(w =>
        {
            w.WriteStartObject();
            w.WriteStartObject("paths");
            foreach (var (group, groupVersion) in kinds.Select(k => (k.Type.Group, k.Type.Version)).Distinct())
            {
                var path = group.Length == 0 ? $"api/{groupVersion}" : $"apis/{group}/{groupVersion}";
                w.WriteStartObject(path);
                w.WriteString("serverRelativeURL", $"/openapi/v3/{path}?hash={V3(catalog, group, groupVersion)!.Hash}");
                w.WriteEndObject();
            }

            w.WriteEndObject();
            w.WriteEndObject();
        });
        return new OpenApiDocument(Convert.ToHexString(SHA512.HashData(json.Span)), () => json);
    });

    /// <summary>The document of one group and version, or null when that is not served.</summary>
    public OpenApiDocument? V3(KindCatalog catalog, string group, string groupVersion)
    {
        var kinds = catalog.All.Where(k => k.Type.Group == group && k.Type.Version == groupVersion).ToList();
        return kinds.Count == 0 ? null : For($"v3/{group}/{groupVersion}", kinds, k => new OpenApiDocument(Hash(k), () => MakeV3(k)));
    }

    /// <summary><c>/openapi/v2</c>: everything in one document.</summary>
    public OpenApiDocument V2(KindCatalog catalog) => For("v2", catalog.All, k => new OpenApiDocument(Hash(k), () => MakeV2(k)));

    /// <summary><see cref="V2"/> as protobuf.</summary>
    public OpenApiDocument V2Protobuf(KindCatalog catalog)
    {
        var json = V2(catalog);
        return For("v2.pb", catalog.All, _ => new OpenApiDocument(json.Hash + "P", () => OpenApiProtobuf.FromJson(MakeV2(catalog.All))));
    }

    private OpenApiDocument For(string key, IReadOnlyList<KindInfo> kinds, Func<IReadOnlyList<KindInfo>, OpenApiDocument> make)
    {
        lock (_gate)
        {
            if (_known.TryGetValue(key, out var known) && known.Kinds.Count == kinds.Count
                && known.Kinds.Zip(kinds).All(p => ReferenceEquals(p.First, p.Second)))
            {
                return known.Document;
            }

            var document = make(kinds);
            _known[key] = (kinds, document);
            return document;
        }
    }

    // Built-in kinds change with the program only; a custom kind's part is written out to be hashed.
    private string Hash(IReadOnlyList<KindInfo> kinds)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        var programs = $"{typeof(OpenApiDocuments).Module.ModuleVersionId} {typeof(V1Pod).Module.ModuleVersionId}";
        hash.AppendData(Encoding.UTF8.GetBytes($"{version} {programs}"));
        foreach (var kind in kinds)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{kind.Type} {kind.Type.Kind} {string.Join(',', kind.Verbs)}\n"));
            if (kind.IsCustom)
            {
                hash.AppendData(Answers.Make(w =>
                {
                    w.WriteStartObject();
                    new SchemaWriter(w, kind.Type, "").WriteKind(kind);
                    w.WriteEndObject();
                }).Span);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private ReadOnlyMemory<byte> MakeV3(IReadOnlyList<KindInfo> kinds)
    {
        LoadDescriptions(kinds);
        return Answers.Make(w =>
        {
            w.WriteStartObject();
            w.WriteString("openapi", "3.0.0");
            WriteInfo(w);
            WritePaths(w, kinds, isV3: true);
            w.WriteStartObject("components");
            w.WriteStartObject("schemas");
            var schemas = new SchemaWriter(w, kinds[0].Type, "#/components/schemas/");
            foreach (var kind in kinds)
            {
                schemas.WriteKind(kind);
            }

            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
        });
    }

    private ReadOnlyMemory<byte> MakeV2(IReadOnlyList<KindInfo> kinds)
    {
        LoadDescriptions(kinds);
        return Answers.Make(w =>
        {
            w.WriteStartObject();
            w.WriteString("swagger", "2.0");
            WriteInfo(w);
            WritePaths(w, kinds, isV3: false);
            w.WriteStartObject("definitions");
            var written = new HashSet<string>(StringComparer.Ordinal);
            foreach (var group in kinds.GroupBy(k => (k.Type.Group, k.Type.Version)).OrderBy(g => g.Key.Version, VersionOrder.Instance))
            {
                var schemas = new SchemaWriter(w, new ResourceType(group.Key.Group, group.Key.Version, "", "", true), SchemaWriter.V2Prefix, written);
                foreach (var kind in group)
                {
                    schemas.WriteKind(kind);
                }
            }

            w.WriteEndObject();
            w.WriteEndObject();
        });
    }

    private void WriteInfo(Utf8JsonWriter w)
    {
        w.WriteStartObject("info");
        w.WriteString("title", "Kubernetes");
        w.WriteString("version", version);
        w.WriteEndObject();
    }

    private static void WritePaths(Utf8JsonWriter w, IReadOnlyList<KindInfo> kinds, bool isV3)
    {
        w.WriteStartObject("paths");
        var paths = new PathsWriter(w, isV3);
        foreach (var kind in kinds)
        {
            paths.WriteKind(kind);
        }

        w.WriteEndObject();
    }

    private static void LoadDescriptions(IReadOnlyList<KindInfo> kinds)
    {
        var models = new HashSet<Type>();
        foreach (var kind in kinds)
        {
            DefinitionNames.Collect(kind.Schema?.Value, models);
        }

        ModelDescriptions.Load(models);
    }
}
