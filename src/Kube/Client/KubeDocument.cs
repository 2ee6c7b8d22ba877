using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Kube.Client;

/// <summary>
/// One version of one object: its encoded JSON and, once somebody asked, its decoded form. In process, the store, the watches and all
/// informers share the same instance, so an object is decoded once per version however many controllers look at it.
/// </summary>
/// <remarks>Immutable. Decoded instances are shared: never change one (use <c>with</c>, or decode a copy of your own).</remarks>
public sealed class KubeDocument(ReadOnlyMemory<byte> json)
{
    private object? _decoded;
    private V1ObjectMeta? _metadata;

    /// <summary>The object as UTF-8 JSON.</summary>
    public ReadOnlyMemory<byte> Json { get; } = json;

    /// <summary>The decoded metadata without managedFields; decodes nothing else.</summary>
    public V1ObjectMeta Metadata => _metadata is { } known ? known : _metadata = ReadMetadata();

    public ObjectKey Key => new(Metadata.NamespaceProperty ?? "", Metadata.Name ?? "");

    public static KubeDocument From<T>(T value) => new(KubeJson.Serialize(value));

    /// <summary>
    /// The object without its managedFields as a <typeparamref name="T"/>; the same shared instance at every call for the first type asked.
    /// </summary>
    /// <exception cref="JsonException">The JSON does not fit the type.</exception>
    public T As<T>() where T : class
    {
        if (_decoded is T known)
        {
            return known;
        }

        var decoded = Decode<T>();
        Interlocked.CompareExchange(ref _decoded, decoded, null);
        if (_decoded is k8s.IKubernetesObject<V1ObjectMeta> { Metadata: { } metadata })
        {
            // Read before, it would be kept twice.
            _metadata = metadata;
        }

        return _decoded as T ?? decoded;
    }

    /// <summary>
    /// Lets go of the decoded form, of which the JSON is a tenth: for versions that are kept for the record only. Whoever asks again
    /// gets a fresh one.
    /// </summary>
    public void Trim()
    {
        _decoded = null;
        _metadata = null;
    }

    /// <summary>A decoded copy, without managedFields, that belongs to the caller.</summary>
    /// <exception cref="JsonException">The JSON does not fit the type.</exception>
    public T Decode<T>() where T : class => KubeJson.Deserialize<T>(Json.Span);

    private V1ObjectMeta ReadMetadata()
    {
        if (_decoded is k8s.IKubernetesObject<V1ObjectMeta> { Metadata: { } decoded })
        {
            return decoded;
        }

        return Member("metadata"u8) is { IsEmpty: false } json
            ? JsonSerializer.Deserialize<V1ObjectMeta>(json.Span, KubeJson.Options) ?? new V1ObjectMeta() : new V1ObjectMeta();
    }

    /// <summary>The JSON of a member of the object itself, such as <c>status</c>; empty when it has none. Decodes nothing else.</summary>
    public ReadOnlyMemory<byte> Member(ReadOnlySpan<byte> name)
    {
        var reader = new Utf8JsonReader(Json.Span);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isWanted = reader.ValueTextEquals(name);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            if (isWanted)
            {
                return Json[start..(int)reader.BytesConsumed];
            }
        }

        return default;
    }
}
