using System.Text.Json.Nodes;

namespace Knet.ApiServer.Apply;

/// <summary>JSON merge patch, RFC 7386.</summary>
public static class MergePatch
{
    /// <summary>The patched value. <paramref name="target"/> is used up; <paramref name="patch"/> stays as it is.</summary>
    public static JsonNode Apply(JsonNode target, JsonNode patch) => Merge(target, patch);

    private static JsonNode Merge(JsonNode? target, JsonNode patch)
    {
        if (patch is not JsonObject changes)
        {
            return patch.DeepClone();
        }

        var result = target as JsonObject ?? [];
        foreach (var (name, change) in changes)
        {
            result.Remove(name, out var before);
            if (change is not null)
            {
                result[name] = Merge(before, change);
            }
        }

        return result;
    }
}
