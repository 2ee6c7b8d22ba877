using System.Text.Json;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Selectors;

/// <summary>A field selector such as <c>metadata.name=x,status.phase!=Running</c>, checked against the fields its kind offers.</summary>
public sealed class FieldSelector
{
    private static readonly string[] EventFields =
    [
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
        "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type",
    ];

    private static readonly Dictionary<string, string[]> Offered = new(StringComparer.Ordinal)
    {
        ["pods"] =
        [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
            "status.podIP", "status.nominatedNodeName",
        ],
        ["services"] = ["spec.clusterIP", "spec.type"],
        ["secrets"] = ["type"],
        ["nodes"] = ["spec.unschedulable"],
        ["namespaces"] = ["status.phase"],
        ["events"] = EventFields,
        ["replicasets.apps"] = ["status.replicas"],
        ["jobs.batch"] = ["status.successful"],
    };

    private readonly List<(string Path, string Value, bool Equal)> _terms = [];

    public static FieldSelector Everything { get; } = new();

    public bool IsEmpty => _terms.Count == 0;

    /// <summary>The name asked for with <c>metadata.name=</c>, so that one object can be looked up instead of all filtered.</summary>
    public string? Name => _terms.FirstOrDefault(t => t is { Path: "metadata.name", Equal: true }).Value;

    /// <param name="hub">The stored type; the fields of its table are offered.</param>
    /// <exception cref="KubeException">400: no selector, or a field that the kind does not offer.</exception>
    public static FieldSelector Parse(string? text, ResourceType hub)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return Everything;
        }

        var selector = new FieldSelector();
        foreach (var term in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = term.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
            {
                throw Refusals.BadRequest($"invalid selector: '{text}'; can't understand '{term}'");
            }

            var equal = term[at - 1] != '!';
            var path = term[..(equal ? at : at - 1)].Trim();
            var value = term[(at + (at + 1 < term.Length && term[at + 1] == '=' ? 2 : 1))..].Trim();
            selector._terms.Add((Canonical(path, hub), value, equal));
        }

        return selector;
    }

    public bool Matches(ObjectKey key, KubeDocument document)
    {
        foreach (var (path, value, equal) in _terms)
        {
            var actual = path switch
            {
                "metadata.name" => key.Name,
                "metadata.namespace" => key.Namespace,
                _ => Read(document.Json.Span, path),
            };
            if (actual.Equals(value, StringComparison.Ordinal) != equal)
            {
                return false;
            }
        }

        return true;
    }

    private static string Canonical(string path, ResourceType hub)
    {
        if (path is "metadata.name" or "metadata.namespace")
        {
            return path;
        }

        // events.k8s.io calls the subject "regarding"; the hub is core/v1.
        var inHub = path.StartsWith("regarding.", StringComparison.Ordinal) && hub.Plural == "events" ? "involvedObject" + path[9..]
            : path == "reportingController" ? "reportingComponent"
            : path;
        return Offered.TryGetValue(hub.GroupResource, out var fields) && fields.Contains(inHub)
            ? inHub == "source" ? "source.component" : inHub
            : throw Refusals.BadRequest($"field label not supported: {path}");
    }

    // An absent string field equals "", an absent boolean "false": what Go's zero values make of them.
    private static string Read(ReadOnlySpan<byte> json, string path)
    {
        var absent = path is "spec.unschedulable" or "spec.hostNetwork" ? "false" : path.EndsWith("replicas", StringComparison.Ordinal) ? "0" : "";
        var reader = new Utf8JsonReader(json);
        reader.Read();
        foreach (var part in path.Split('.'))
        {
            if (reader.TokenType != JsonTokenType.StartObject || !MoveTo(ref reader, part))
            {
                return absent;
            }
        }

        return reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.True => "true",
            JsonTokenType.False => "false",
            JsonTokenType.Number => System.Text.Encoding.UTF8.GetString(reader.ValueSpan),
            _ => absent,
        };
    }

    private static bool MoveTo(ref Utf8JsonReader reader, string name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found)
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }
}
