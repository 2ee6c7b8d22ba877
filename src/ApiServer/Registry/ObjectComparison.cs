using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry;

/// <summary>Whether a write changes anything. Absent and null are the same.</summary>
internal static class ObjectComparison
{
    /// <summary>Everything but the resource version; managedFields only if asked for, and without their times.</summary>
    /// <param name="statusOnly">A write of the status: nothing but that and the metadata can differ, so the rest is not looked at.</param>
    public static bool Same(JsonObject a, JsonObject b, bool withManagers, bool statusOnly = false) =>
        (statusOnly ? JsonNode.DeepEquals(a["status"], b["status"]) : SameExcept(a, b, ["metadata"]))
        && SameExcept(a.Object("metadata") ?? [], b.Object("metadata") ?? [], ["managedFields", "resourceVersion"])
        && (!withManagers || SameManagers(a, b));

    public static bool SameExcept(JsonObject a, JsonObject b, ReadOnlySpan<string> except)
    {
        foreach (var (name, value) in a)
        {
            if (!except.Contains(name) && !JsonNode.DeepEquals(value, b[name]))
            {
                return false;
            }
        }

        foreach (var (name, value) in b)
        {
            if (value is not null && !except.Contains(name) && a[name] is null)
            {
                return false;
            }
        }

        return true;
    }

    private static bool SameManagers(JsonObject a, JsonObject b)
    {
        var before = a.Object("metadata").Items("managedFields").ToList();
        var after = b.Object("metadata").Items("managedFields").ToList();
        return before.Count == after.Count && before.Zip(after).All(p => SameExcept(p.First, p.Second, ["time"]));
    }
}
