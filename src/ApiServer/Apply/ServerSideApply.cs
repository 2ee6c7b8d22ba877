using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Schemas;
using Knet.Kube.Client;

namespace Knet.ApiServer.Apply;

/// <summary>Server-side apply: who owns which field (<c>metadata.managedFields</c>), and what follows when configurations change.</summary>
/// <remarks>Behaviour: kubernetes.io, "Server-Side Apply".</remarks>
public static class ServerSideApply
{
    /// <summary>
    /// Merges a configuration into an object. Fields the manager applied before and no longer does are removed when nobody else owns
    /// them. When nothing changes the result equals <paramref name="live"/>, times included.
    /// </summary>
    /// <param name="schema">Null: objects merge member by member, lists are replaced.</param>
    /// <param name="live">The stored object, not changed; null when there is none.</param>
    /// <param name="applied">The configuration, not changed.</param>
    /// <param name="manager">The field manager; the caller has made sure there is one.</param>
    /// <param name="apiVersion">The version of the configuration: <c>apps/v1</c>.</param>
    /// <param name="subresource">Empty for the object itself.</param>
    /// <param name="force">Take fields over from other managers instead of refusing.</param>
    /// <param name="now">UTC; whole seconds are kept.</param>
    /// <exception cref="KubeException">409 Conflict: other managers own fields with other values; 400: the configuration is malformed.</exception>
    public static JsonObject Apply(
        SchemaNode? schema, JsonObject? live, JsonObject applied, string manager, string apiVersion, string subresource, bool force, DateTime now)
    {
        if ((applied["metadata"] as JsonObject)?["managedFields"] is JsonArray { Count: > 0 })
        {
            throw KubeException.Of(400, "BadRequest", "metadata.managedFields must be nil");
        }

        TypedMerge.CheckKeys(schema, applied, "");
        var own = new ManagedEntry(manager, "Apply", apiVersion, subresource, ManagedFields.Format(now), null).With(FieldSets.Of(schema, applied));
        if (live is null)
        {
            var created = (JsonObject)applied.DeepClone();
            ManagedFields.Write(created, [own]);
            return created;
        }

        var entries = ManagedFields.Read(live);
        var last = entries.Find(e => e.IsSame(own));
        var others = entries.Where(e => !e.IsSame(own)).ToList();
        var merged = (JsonObject)TypedMerge.Merge(schema, live.DeepClone(), applied, "")!;
        others = Resolve(others, FieldSets.Between(schema, live, merged).Changed, force);
        if (last is not null)
        {
            TypedMerge.Remove(schema, merged, last.Set, others.Aggregate(own.Set, (all, e) => FieldSet.Union(all, e.Set)));
        }

        var isUnchanged = last is not null && last.ApiVersion == apiVersion && FieldSet.Equal(last.Set, own.Set)
            && FieldSets.Between(schema, live, merged).None;
        if (isUnchanged)
        {
            return (JsonObject)live.DeepClone();
        }

        ManagedFields.Write(merged, [.. others, own]);
        return merged;
    }

    /// <summary>
    /// Records in <paramref name="after"/>'s managedFields what a write other than apply changed. Changes nothing but managedFields,
    /// and that only when some field differs.
    /// </summary>
    /// <param name="schema">Null: lists are single fields.</param>
    /// <param name="before">The stored object; null for a creation.</param>
    /// <param name="after">The object about to be stored.</param>
    /// <param name="manager">The field manager; empty counts as <c>unknown</c>.</param>
    /// <param name="operation"><c>Update</c>.</param>
    /// <param name="apiVersion">The version the writer spoke.</param>
    /// <param name="subresource">Empty for the object itself.</param>
    /// <param name="now">UTC.</param>
    public static void TrackUpdate(
        SchemaNode? schema, JsonObject? before, JsonObject after, string manager, string operation, string apiVersion, string subresource,
        DateTime now)
    {
        if (after["metadata"] is not JsonObject metadata || IsReset(metadata))
        {
            return;
        }

        var changes = FieldSets.Between(schema, before, after, statusOnly: subresource == "status");
        var sent = metadata["managedFields"] is JsonArray { Count: > 0 };
        if (changes.None)
        {
            if (!sent && (before?["metadata"] as JsonObject)?["managedFields"] is { } known)
            {
                metadata["managedFields"] = known.DeepClone();
            }

            return;
        }

        var own = new ManagedEntry(manager.Length == 0 ? "unknown" : manager, operation, apiVersion, subresource, ManagedFields.Format(now), null);
        var owned = changes.Changed;
        var entries = new List<ManagedEntry>();
        foreach (var entry in ManagedFields.Read(sent ? after : before))
        {
            if (entry.IsSame(own))
            {
                owned = FieldSet.Union(FieldSet.Except(entry.Set, changes.Removed), changes.Changed);
            }
            else
            {
                entries.Add(entry.With(FieldSet.Except(FieldSet.Except(entry.Set, changes.Changed), changes.Removed)));
            }
        }

        entries.Add(own.With(owned));
        ManagedFields.Write(after, entries);
    }

    // A list with one empty entry is the documented way to throw all ownership away.
    private static bool IsReset(JsonObject metadata)
    {
        if (metadata["managedFields"] is JsonArray { Count: 1 } list && list[0] is JsonObject { Count: 0 })
        {
            metadata.Remove("managedFields");
            return true;
        }

        return false;
    }

    private static List<ManagedEntry> Resolve(List<ManagedEntry> others, FieldSet changed, bool force)
    {
        var causes = new List<(ManagedEntry Entry, string Path)>();
        var result = new List<ManagedEntry>();
        foreach (var entry in others)
        {
            var conflict = FieldSet.Intersect(entry.Set, changed);
            causes.AddRange(conflict.Paths().Select(path => (entry, path)));
            result.Add(conflict.IsEmpty ? entry : entry.With(FieldSet.Except(entry.Set, conflict)));
        }

        return causes.Count == 0 || force ? result : throw Conflict(causes);
    }

    private static KubeException Conflict(List<(ManagedEntry Entry, string Path)> causes)
    {
        var text = causes.Count == 1
            ? $"Apply failed with 1 conflict: conflict with {causes[0].Entry.Described()}: {causes[0].Path}"
            : $"Apply failed with {causes.Count} conflicts: " + string.Join('\n', causes.GroupBy(c => c.Entry.Described())
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => $"conflicts with {g.Key}:\n" + string.Join('\n', g.Select(c => $"- {c.Path}"))));
        return KubeException.Of(409, "Conflict", text, new V1StatusDetails
        {
            Causes =
            [
                .. causes.Select(c => new V1StatusCause
                {
                    Reason = "FieldManagerConflict", Message = $"conflict with {c.Entry.Described()}", Field = c.Path,
                }),
            ],
        });
    }
}
