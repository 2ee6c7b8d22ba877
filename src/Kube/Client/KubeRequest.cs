using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Kube.Client;

/// <summary>What is asked of an API. Watching is a method of its own on <see cref="IKubeTransport"/>, with the members of a list.</summary>
public enum KubeVerb
{
    Get,
    List,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

/// <summary>The four kinds of patch bodies.</summary>
public enum PatchKind
{
    /// <summary><c>application/json-patch+json</c>, RFC 6902.</summary>
    Json,

    /// <summary><c>application/merge-patch+json</c>, RFC 7386.</summary>
    Merge,

    /// <summary><c>application/strategic-merge-patch+json</c>: built-in kinds only.</summary>
    Strategic,

    /// <summary><c>application/apply-patch+yaml</c>: server-side apply; needs a field manager.</summary>
    Apply,
}

/// <summary>One request to a Kubernetes API, free of HTTP: the same for a remote server and for the one in this process.</summary>
public sealed record KubeRequest(KubeVerb Verb, ResourceType Type)
{
    /// <summary>Empty for cluster-scoped kinds, and for lists over all namespaces.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Empty for lists and creations.</summary>
    public string Name { get; init; } = "";

    /// <summary><c>status</c>, <c>scale</c>, <c>binding</c>, <c>token</c>, <c>eviction</c> … or empty.</summary>
    public string Subresource { get; init; } = "";

    /// <summary>The object or patch as UTF-8 JSON; empty for reads. A delete carries <see cref="DeleteOptions"/> instead.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    public PatchKind? Patch { get; init; }
    public V1DeleteOptions? DeleteOptions { get; init; }

    /// <summary>Who owns the fields written (managedFields). Default: the transport's client name.</summary>
    public string? FieldManager { get; init; }

    /// <summary>Take over fields of other managers (server-side apply only).</summary>
    public bool Force { get; init; }

    /// <summary>Do everything but store it.</summary>
    public bool DryRun { get; init; }

    /// <summary>
    /// <c>Strict</c>, <c>Warn</c> or <c>Ignore</c>: what happens to unknown and duplicate fields. Default: Ignore in process, Warn over
    /// HTTP.
    /// </summary>
    public string? FieldValidation { get; init; }

    /// <summary>
    /// Paths of members that stood more than once in the body as it came, which <see cref="Body"/> has once. Noticed by whoever reads
    /// bodies from outside; not sent anywhere.
    /// </summary>
    public IReadOnlyList<string> DuplicateFields { get; init; } = [];

    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }
    public string? ResourceVersion { get; init; }
    public string? ResourceVersionMatch { get; init; }

    /// <summary>Page size of a list; null lists everything at once.</summary>
    public int? Limit { get; init; }

    public string? Continue { get; init; }

    /// <summary>A watch that begins with the present objects as ADDED events, ended by a bookmark.</summary>
    public bool SendInitialEvents { get; init; }

    public bool AllowBookmarks { get; init; }
}

/// <summary>The answer to anything but a list or watch.</summary>
/// <param name="Document">The object, or a <c>Status</c> for deletions that are complete.</param>
/// <param name="Code">HTTP's status code: 200, 201 (created) or 202.</param>
/// <param name="Warnings">Texts for the <c>Warning</c> header.</param>
public readonly record struct KubeResult(KubeDocument Document, int Code, IReadOnlyList<string> Warnings);

/// <summary>One page of a list, consistent at <see cref="ResourceVersion"/>.</summary>
public sealed record KubeListPage(IReadOnlyList<KubeDocument> Items, string ResourceVersion, string? Continue = null,
    long? Remaining = null);

/// <summary>What happened to a watched object.</summary>
public enum WatchEventType
{
    Added,
    Modified,
    Deleted,

    /// <summary>
    /// Nothing happened up to the document's resource version; with annotation <c>k8s.io/initial-events-end</c> the initial list is
    /// complete.
    /// </summary>
    Bookmark,
}

/// <summary>One event of a watch. A deleted object's document is its last state, at the resource version of the deletion.</summary>
public readonly record struct KubeWatchEvent(WatchEventType Type, KubeDocument Document);
