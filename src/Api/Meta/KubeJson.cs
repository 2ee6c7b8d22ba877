using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using k8s.Models;

namespace Knet.Api.Meta;

/// <summary>The one way objects become JSON and back: camelCase, absent instead of null, times as Kubernetes writes them.</summary>
public static class KubeJson
{
    // The members that Kubernetes types as MicroTime: Go parses them only with exactly six decimals.
    private static readonly HashSet<string> MicroTimes = new(StringComparer.Ordinal)
    {
        "renewTime", "acquireTime", "eventTime", "lastObservedTime",
    };

    /// <summary>Options for every kind: ours from generated code, Kubernetes' models too where listed in <see cref="KnJsonContext"/>.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    public static byte[] Serialize<T>(T value) => JsonSerializer.SerializeToUtf8Bytes(value, Options);

    /// <exception cref="JsonException">The bytes are no JSON, or a member has the wrong type.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(utf8, Options) ?? throw new JsonException("unexpected null");
        }
        catch (Exception e) when (e is FormatException or NotSupportedException or InvalidOperationException or ArgumentException)
        {
            // Converters of single members: of times, and KubernetesClient's of numbers that may be text.
            throw new JsonException(e.Message, e);
        }
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            TypeInfoResolver = JsonTypeInfoResolver.Combine(KnJsonContext.Default, new DefaultJsonTypeInfoResolver())
                .WithAddedModifier(UseMicroTime).WithAddedModifier(HideExtras).WithAddedModifier(SkipManagers),
        };
        options.Converters.Add(new TimeConverter("yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-ddTHH:mm:ss.ffffffZ"));
        options.Converters.Add(new Quantities.Converter());
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private static void UseMicroTime(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (property.PropertyType == typeof(DateTime?) && MicroTimes.Contains(property.Name))
            {
                property.CustomConverter = new TimeConverter("yyyy-MM-ddTHH:mm:ss.ffffffZ", "yyyy-MM-ddTHH:mm:ss.ffffffZ").Nullable();
            }
        }
    }

    // KubernetesClient's Status has a property of its own that is no part of the wire form.
    private static void HideExtras(JsonTypeInfo type)
    {
        if (type.Type == typeof(V1Status) && type.Properties.FirstOrDefault(p => p.Name == "hasObject") is { } extra)
        {
            type.Properties.Remove(extra);
        }
    }

    // Who owns which field is the API server's business, which reads it as JSON. An update that leaves it out changes nothing of it, and
    // decoded it would be a good part of what a cached object takes.
    private static void SkipManagers(JsonTypeInfo type)
    {
        if (type.Type == typeof(V1ObjectMeta) && type.Properties.FirstOrDefault(p => p.Name == "managedFields") is { } managers)
        {
            managers.Set = null;
        }
    }

    /// <summary>RFC 3339 in UTC; a fraction is written only when there is one, unless both formats carry it.</summary>
    private sealed class TimeConverter(string whole, string fraction) : JsonConverter<DateTime>
    {
        public NullableTimeConverter Nullable() => new NullableTimeConverter(this);

        public override DateTime Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            DateTimeOffset.Parse(reader.GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).UtcDateTime;

        public override void Write(Utf8JsonWriter writer, DateTime value, JsonSerializerOptions options)
        {
            var utc = value.Kind == DateTimeKind.Local ? value.ToUniversalTime() : value;
            writer.WriteStringValue(utc.ToString(utc.Ticks % TimeSpan.TicksPerSecond == 0 ? whole : fraction, CultureInfo.InvariantCulture));
        }
    }

    private sealed class NullableTimeConverter(TimeConverter inner) : JsonConverter<DateTime?>
    {
        public override DateTime? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? null : inner.Read(ref reader, typeof(DateTime), options);

        public override void Write(Utf8JsonWriter writer, DateTime? value, JsonSerializerOptions options)
        {
            if (value is { } time)
            {
                inner.Write(writer, time, options);
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }
}
