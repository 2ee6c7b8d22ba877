using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Knet.Eventing.Config;

/// <summary>Values of ConfigMaps that are YAML documents themselves.</summary>
internal static class YamlText
{
    /// <summary>The document as a <typeparamref name="T"/>; null for an empty text.</summary>
    /// <exception cref="FormatException">The text is no YAML, or does not have the shape; the message names the key.</exception>
    public static T? Read<T>(string key, string? text) where T : class
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents is [{ RootNode: var root }] && Json(root) is JsonObject value
                ? KubeJson.Deserialize<T>(KubeJson.Serialize(value))
                : throw new FormatException($"{key}: expected one YAML document with members");
        }
        catch (YamlException e)
        {
            throw new FormatException($"{key}: {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new FormatException($"{key}: {e.Path?.TrimStart('$', '.')} has a value of the wrong type", e);
        }
    }

    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(
            map.Children.Select(c => KeyValuePair.Create(((c.Key as YamlScalarNode)?.Value) ?? "", Json(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
        YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any } scalar => Plain(scalar.Value ?? ""),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => null,
    };

    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
