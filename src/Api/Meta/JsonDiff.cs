using System.Text;
using System.Text.Json.Nodes;

namespace Knet.Api.Meta;

/// <summary>The differences of two values, as lines of <c>{path}:</c>, <c>-: old</c> and <c>+: new</c>, for refusals that show a
/// change.</summary>
public static class JsonDiff
{
    public static string Of<T>(T before, T after)
    {
        var text = new StringBuilder();
        Compare("", JsonNode.Parse(KubeJson.Serialize(before)), JsonNode.Parse(KubeJson.Serialize(after)), text);
        return text.ToString().TrimEnd('\n');
    }

    private static void Compare(string path, JsonNode? before, JsonNode? after, StringBuilder text)
    {
        if (JsonNode.DeepEquals(before, after))
        {
            return;
        }

        switch (before, after)
        {
            case (JsonObject a, JsonObject b):
                foreach (var key in a.Select(p => p.Key).Union(b.Select(p => p.Key)).ToList())
                {
                    Compare($"{path}.{key}", a[key], b[key], text);
                }

                return;
            case (JsonArray a, JsonArray b) when a.Count == b.Count:
                for (var i = 0; i < a.Count; i++)
                {
                    Compare($"{path}[{i}]", a[i], b[i], text);
                }

                return;
            default:
                text.Append('{').Append(path.TrimStart('.')).Append("}:\n");
                Line('-', before, text);
                Line('+', after, text);
                return;
        }
    }

    private static void Line(char sign, JsonNode? value, StringBuilder text)
    {
        if (value is not null)
        {
            text.Append('\t').Append(sign).Append(": ").Append(value.ToJsonString(KubeJson.Options)).Append('\n');
        }
    }
}
