using System.Text.Json.Nodes;

namespace Knet.ApiServer.Schemas;

/// <summary>
/// One node of a structural schema: what pruning, defaulting, validation, strategic merge, server-side apply and OpenAPI all read.
/// Built-in kinds get theirs from KubernetesClient's models, custom resources from their CRD. Built once, shared, may be recursive.
/// </summary>
/// <remarks>Mutable only while it is being built.</remarks>
public sealed class SchemaNode
{
    /// <summary><c>object</c>, <c>array</c>, <c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c>, or empty (anything).</summary>
    public string Type { get; set; } = "";

    public string? Format { get; set; }
    public string? Description { get; set; }

    /// <summary>The OpenAPI definition's name when this node is a named type, such as <c>io.k8s.api.core.v1.PodSpec</c>.</summary>
    public string? Definition { get; set; }

    public Dictionary<string, SchemaNode> Properties { get; } = new(StringComparer.Ordinal);

    /// <summary>Schema of a map's values.</summary>
    public SchemaNode? AdditionalProperties { get; set; }

    public SchemaNode? Items { get; set; }
    public List<string> Required { get; } = [];
    public JsonNode? Default { get; set; }
    public List<JsonNode?>? Enum { get; set; }
    public bool Nullable { get; set; }
    public bool IntOrString { get; set; }
    public bool PreserveUnknownFields { get; set; }
    public bool EmbeddedResource { get; set; }
    public string? Pattern { get; set; }
    public double? Minimum { get; set; }
    public double? Maximum { get; set; }
    public bool ExclusiveMinimum { get; set; }
    public bool ExclusiveMaximum { get; set; }
    public double? MultipleOf { get; set; }
    public long? MinLength { get; set; }
    public long? MaxLength { get; set; }
    public long? MinItems { get; set; }
    public long? MaxItems { get; set; }
    public long? MinProperties { get; set; }
    public long? MaxProperties { get; set; }
    public bool UniqueItems { get; set; }
    public List<SchemaNode>? AllOf { get; set; }
    public List<SchemaNode>? AnyOf { get; set; }
    public List<SchemaNode>? OneOf { get; set; }
    public SchemaNode? Not { get; set; }

    /// <summary><c>atomic</c> (default), <c>set</c> or <c>map</c>: how server-side apply merges an array.</summary>
    public string? ListType { get; set; }

    public List<string>? ListMapKeys { get; set; }

    /// <summary><c>granular</c> (default) or <c>atomic</c>.</summary>
    public string? MapType { get; set; }

    /// <summary>Strategic merge: the member that identifies an item of this array.</summary>
    public string? PatchMergeKey { get; set; }

    /// <summary>Strategic merge: <c>merge</c>, <c>replace</c>, <c>retainKeys</c>, or a comma list of these.</summary>
    public string? PatchStrategy { get; set; }
}
