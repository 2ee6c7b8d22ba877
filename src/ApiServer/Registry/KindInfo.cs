using Knet.Api.Meta;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry;

/// <summary>Where a CRD keeps what <c>/scale</c> shows (JSON paths such as <c>.spec.replicas</c>).</summary>
public sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string? LabelSelector);

/// <summary>A column of <c>kubectl get</c> that a JSON path fills.</summary>
public sealed record PrinterColumn(string Name, string Type, string JsonPath, string Description = "", int Priority = 0, string Format = "");

/// <summary>All the API server knows of one served version of a kind: built in, or from a CRD. Immutable; replaced whole.</summary>
public sealed record KindInfo(ResourceType Type)
{
    public required string Singular { get; init; }
    public string ListKind => Type.Kind + "List";
    public IReadOnlyList<string> ShortNames { get; init; } = [];
    public IReadOnlyList<string> Categories { get; init; } = [];

    /// <summary>Lower-case verbs for discovery.</summary>
    public IReadOnlyList<string> Verbs { get; init; } = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    /// <summary>Subresources such as <c>status</c>, <c>scale</c>, <c>log</c>, with the kind they speak.</summary>
    public IReadOnlyDictionary<string, ResourceType> Subresources { get; init; } = new Dictionary<string, ResourceType>();

    public bool HasStatus => Subresources.ContainsKey("status");
    public ScalePaths? Scale { get; init; }

    /// <summary>Null only for kinds that are stored as they come.</summary>
    public Lazy<SchemaNode>? Schema { get; init; }

    public IReadOnlyList<PrinterColumn> PrinterColumns { get; init; } = [];
    public bool IsCustom { get; init; }

    /// <summary>Name of the CRD that defines the kind; empty for built-in kinds.</summary>
    public string Definition { get; init; } = "";

    /// <summary>Whether the CRD is being deleted: nothing more is created then.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>What each request in this version is told; null for a version that is not deprecated.</summary>
    public string? DeprecationWarning { get; init; }

    /// <summary>
    /// The store's revision when this definition came to be. Objects written later are as the schema says; earlier ones are pruned and
    /// get their defaults when they are read.
    /// </summary>
    public long Since { get; init; }

    /// <summary>A kind that can be listed, is always empty, and cannot be created: tools that ask for it find that there is none.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The version stored; all served versions of a kind share its objects and convert through this hub.</summary>
    public string StorageVersion { get; init; } = Type.Version;

    /// <summary>A virtual kind (reviews, bindings) that is answered and never stored.</summary>
    public bool IsVirtual { get; init; }
}
