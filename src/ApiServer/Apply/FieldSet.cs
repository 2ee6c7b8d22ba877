using System.Text;
using System.Text.Json.Nodes;

namespace Knet.ApiServer.Apply;

/// <summary>
/// A set of fields of an object, as a tree: what a manager owns, or what a write changed. Keys are the path elements of
/// <c>fieldsV1</c>: <c>f:name</c>, <c>k:{"name":"app"}</c>, <c>v:"x"</c>.
/// </summary>
/// <remarks>Format: structured-merge-diff's serialisation of a set, as found in <c>metadata.managedFields</c>.</remarks>
internal sealed class FieldSet
{
    private static readonly SortedDictionary<string, FieldSet> None = new(StringComparer.Ordinal);

    // Most sets are leaves: those have no dictionary of their own. Never written to directly.
    private SortedDictionary<string, FieldSet> _children = None;

    private SortedDictionary<string, FieldSet> Own => _children == None ? _children = new(StringComparer.Ordinal) : _children;

    /// <summary>Whether this very field is in the set, and not only some below it.</summary>
    public bool IsMember { get; private set; }

    public IReadOnlyDictionary<string, FieldSet> Children => _children;

    public bool IsEmpty => !IsMember && _children.Count == 0;

    public FieldSet? this[string element] => _children.GetValueOrDefault(element);

    /// <summary>Puts this field itself into the set.</summary>
    public FieldSet Add()
    {
        IsMember = true;
        return this;
    }

    /// <summary>The subtree of a path element, made when it is not there. An empty one must not be left behind.</summary>
    public FieldSet Child(string element)
    {
        if (!_children.TryGetValue(element, out var child))
        {
            Own[element] = child = new FieldSet();
        }

        return child;
    }

    public void Attach(string element, FieldSet child)
    {
        if (!child.IsEmpty)
        {
            Own[element] = child;
        }
    }

    public static FieldSet Union(FieldSet a, FieldSet b)
    {
        var result = new FieldSet { IsMember = a.IsMember || b.IsMember };
        foreach (var (element, child) in a._children)
        {
            result.Own[element] = b[element] is { } other ? Union(child, other) : child;
        }

        foreach (var (element, child) in b._children)
        {
            result.Own.TryAdd(element, child);
        }

        return result;
    }

    /// <summary>The fields of a that are not in b.</summary>
    public static FieldSet Except(FieldSet a, FieldSet b)
    {
        var result = new FieldSet { IsMember = a.IsMember && !b.IsMember };
        foreach (var (element, child) in a._children)
        {
            result.Attach(element, b[element] is { } other ? Except(child, other) : child);
        }

        return result;
    }

    public static FieldSet Intersect(FieldSet a, FieldSet b)
    {
        var result = new FieldSet { IsMember = a.IsMember && b.IsMember };
        foreach (var (element, child) in a._children)
        {
            if (b[element] is { } other)
            {
                result.Attach(element, Intersect(child, other));
            }
        }

        return result;
    }

    public static bool Equal(FieldSet a, FieldSet b) =>
        a.IsMember == b.IsMember && a._children.Count == b._children.Count
        && a._children.All(c => b[c.Key] is { } other && Equal(c.Value, other));

    /// <summary>All member fields as Kubernetes writes paths: <c>.spec.containers[name="app"].image</c>.</summary>
    public IEnumerable<string> Paths()
    {
        var found = new List<string>();
        Collect("", found);
        return found;
    }

    /// <summary>The set as <c>fieldsV1</c>.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        if (IsMember && _children.Count > 0)
        {
            json["."] = new JsonObject();
        }

        foreach (var (element, child) in _children)
        {
            json[element] = child.ToJson();
        }

        return json;
    }

    /// <summary>Reads <c>fieldsV1</c>; the root itself is never a member.</summary>
    public static FieldSet FromJson(JsonNode? json)
    {
        var set = Read(json as JsonObject ?? []);
        set.IsMember = false;
        return set;
    }

    private static FieldSet Read(JsonObject json)
    {
        var set = new FieldSet { IsMember = json.Count == 0 };
        foreach (var (element, child) in json)
        {
            if (element == ".")
            {
                set.IsMember = true;
            }
            else if (child is JsonObject below)
            {
                set.Own[element] = Read(below);
            }
        }

        return set;
    }

    private void Collect(string path, List<string> found)
    {
        if (IsMember)
        {
            found.Add(path);
        }

        foreach (var (element, child) in _children)
        {
            child.Collect(path + PathText(element), found);
        }
    }

    private static string PathText(string element)
    {
        switch (element[..2])
        {
            case "f:":
                return "." + element[2..];
            case "v:":
                return $"[={element[2..]}]";
            case "i:":
                return $"[{element[2..]}]";
            default:
                var text = new StringBuilder("[");
                foreach (var (name, value) in JsonNode.Parse(element[2..]) as JsonObject ?? [])
                {
                    text.Append(text.Length > 1 ? "," : "").Append(name).Append('=').Append(value?.ToJsonString() ?? "null");
                }

                return text.Append(']').ToString();
        }
    }
}
