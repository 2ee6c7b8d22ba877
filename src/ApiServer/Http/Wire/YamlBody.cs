using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.Kube.Client;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Knet.ApiServer.Http.Wire;

/// <summary>One YAML document as JSON, with the scalars that Kubernetes' YAML reader knows.</summary>
public static class YamlBody
{
    private const int MaxDepth = 64;

    /// <exception cref="KubeException">400: no YAML, more than one document, or aliases (which could grow without bound).</exception>
    public static byte[] ToJson(ReadOnlySpan<byte> yaml)
    {
        var first = yaml.TrimStart(" \t\r\n"u8);
        if (first.Length > 0 && first[0] is (byte)'{' or (byte)'[' && IsJson(yaml))
        {
            return yaml.ToArray();
        }

        try
        {
            var parser = new Parser(new StringReader(Encoding.UTF8.GetString(yaml)));
            parser.Consume<StreamStart>();
            parser.Consume<DocumentStart>();
            var value = Read(parser, 0);
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
            {
                throw Bad("the body holds more than one YAML document");
            }

            return Encoding.UTF8.GetBytes(value?.ToJsonString(Api.Meta.KubeJson.Options) ?? "null");
        }
        catch (YamlException e)
        {
            throw Bad($"error converting YAML to JSON: yaml: line {e.Start.Line}: {e.Message}");
        }
        catch (ArgumentException e)
        {
            // Its tags.
            throw Bad($"error converting YAML to JSON: yaml: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            // YamlDotNet's scanner, at a simple key that spans lines.
            throw Bad("error converting YAML to JSON: yaml: a key that does not end on its line");
        }
    }

    private static bool IsJson(ReadOnlySpan<byte> text)
    {
        try
        {
            var reader = new Utf8JsonReader(text);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonNode? Read(IParser parser, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Bad($"the body is nested deeper than {MaxDepth} levels");
        }

        if (parser.TryConsume<Scalar>(out var scalar))
        {
            return Value(scalar);
        }

        if (parser.TryConsume<SequenceStart>(out _))
        {
            var list = new JsonArray();
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                list.Add(Read(parser, depth + 1));
            }

            return list;
        }

        if (parser.TryConsume<MappingStart>(out _))
        {
            var map = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                var key = parser.Consume<Scalar>();
                if (map.ContainsKey(key.Value))
                {
                    throw Bad($"error converting YAML to JSON: yaml: line {key.Start.Line}: key \"{key.Value}\" already set in map");
                }

                map[key.Value] = Read(parser, depth + 1);
            }

            return map;
        }

        throw Bad("YAML aliases are not accepted: write the value out");
    }

    private static JsonValue? Value(Scalar scalar)
    {
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str"))
        {
            return JsonValue.Create(text);
        }

        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
        }

        return Number(text) ?? JsonValue.Create(text);
    }

    private static JsonValue? Number(string text)
    {
        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('-' or '+' or '.'))
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            // YAML 1.1: a leading zero means octal.
            var digits = text.TrimStart('+', '-');
            return digits.Length > 1 && digits[0] == '0'
                ? digits.All(c => c is >= '0' and <= '7')
                    ? JsonValue.Create(Math.Sign(whole) * Convert.ToInt64(digits, 8))
                    : JsonValue.Create((double)whole)
                : JsonValue.Create(whole);
        }

        if (text.StartsWith("0x", StringComparison.Ordinal)
            && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hexadecimal))
        {
            return JsonValue.Create(hexadecimal);
        }

        return double.TryParse(text, NumberStyles.Float & ~NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number)
                ? JsonValue.Create(number)
                : null;
    }

    private static KubeException Bad(string message) => KubeException.Of(400, "BadRequest", message);
}
