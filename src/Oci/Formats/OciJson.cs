using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Knet.Oci.Formats;

/// <summary>
/// Reads and writes the JSON of images; what comes from outside is checked, so that later code meets no nulls or wild numbers.
/// </summary>
public static class OciJson
{
    // Plus signs of media types as they are: \u002B would be the same JSON, but nobody else writes it.
    private static readonly OciJsonContext Context = new(new JsonSerializerOptions(OciJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>UTF-8, without spaces or a byte order mark; equal values give equal bytes.</summary>
    public static byte[] Write(ImageManifest manifest) =>
        JsonSerializer.SerializeToUtf8Bytes(manifest, Context.ImageManifest);

    /// <inheritdoc cref="Write(ImageManifest)"/>
    public static byte[] Write(ImageIndex index) => JsonSerializer.SerializeToUtf8Bytes(index, Context.ImageIndex);

    /// <inheritdoc cref="Write(ImageManifest)"/>
    public static byte[] Write(ImageConfiguration configuration) =>
        JsonSerializer.SerializeToUtf8Bytes(configuration, Context.ImageConfiguration);

    /// <summary>
    /// The media type that a manifest or index says it has; older OCI ones leave it out, then its members tell. Empty when neither does.
    /// </summary>
    /// <exception cref="ImageException">It is no JSON object.</exception>
    public static string MediaTypeOf(ReadOnlySpan<byte> json, string where)
    {
        var probe = Read(json, Context.ManifestProbe, where);
        return probe switch
        {
            { MediaType: { Length: > 0 } mediaType } => mediaType,
            { Manifests: not null } => MediaTypes.OciIndex,
            { Config: not null, Layers: not null } => MediaTypes.OciManifest,
            _ => "",
        };
    }

    /// <summary>Reads an image manifest.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="where">Whose they are, for the error's text.</param>
    /// <exception cref="ImageException">It is not one.</exception>
    public static ImageManifest ReadManifest(ReadOnlySpan<byte> json, string where)
    {
        var manifest = Read(json, Context.ImageManifest, where);
        Check(manifest.Config, $"{where}: config");
        CheckAll(manifest.Layers, $"{where}: layers");
        return manifest;
    }

    /// <summary>Reads an image index.</summary>
    /// <inheritdoc cref="ReadManifest"/>
    public static ImageIndex ReadIndex(ReadOnlySpan<byte> json, string where)
    {
        var index = Read(json, Context.ImageIndex, where);
        CheckAll(index.Manifests, $"{where}: manifests");
        return index;
    }

    /// <summary>Reads an image's configuration.</summary>
    /// <inheritdoc cref="ReadManifest"/>
    public static ImageConfiguration ReadConfiguration(ReadOnlySpan<byte> json, string where)
    {
        var configuration = Read(json, Context.ImageConfiguration, where);
        if (configuration.RootFs?.DiffIds is null)
        {
            throw new ImageException($"{where}: rootfs.diff_ids is missing; this is not the configuration of an image");
        }

        for (var i = 0; i < configuration.RootFs.DiffIds.Count; i++)
        {
            Digest.Parse(configuration.RootFs.DiffIds[i], $"{where}: rootfs.diff_ids[{i}]");
        }

        return configuration;
    }

    /// <summary>The manifest of an index that runs on <paramref name="platform"/>: the first that fits, as containerd chooses.</summary>
    /// <exception cref="ImageException">None does; the text lists what there is.</exception>
    public static Descriptor Select(ImageIndex index, Platform platform, string where)
    {
        // An entry without a platform, in an index of one, is an image that its builder did not label.
        var found = index.Manifests.FirstOrDefault(m => m.Platform is { } p && p.Os == platform.Os && p.Architecture == platform.Architecture)
            ?? (index.Manifests is [{ Platform: null } only] ? only : null);
        if (found is not null)
        {
            return found;
        }

        var offered = string.Join(", ", index.Manifests.Select(m => m.Platform?.ToString() ?? "unknown").Distinct());
        throw new ImageException($"{where}: no match for platform in manifest: this machine is {platform}, the image offers {offered}");
    }

    internal static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string where)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new ImageException($"{where}: null is not what belongs here");
        }
        catch (JsonException e)
        {
            throw new ImageException($"{where}: not the expected JSON: {e.Message}", inner: e);
        }
    }

    private static void CheckAll(IReadOnlyList<Descriptor>? descriptors, string where)
    {
        if (descriptors is null)
        {
            throw new ImageException($"{where} is missing");
        }

        for (var i = 0; i < descriptors.Count; i++)
        {
            Check(descriptors[i], $"{where}[{i}]");
        }
    }

    private static void Check(Descriptor? descriptor, string where)
    {
        if (descriptor is null)
        {
            throw new ImageException($"{where} is missing");
        }

        Digest.Parse(descriptor.Digest, $"{where}.digest");
        if (descriptor.Size < 0)
        {
            throw new ImageException($"{where}.size is {descriptor.Size}; it has to be the blob's length in bytes");
        }
    }
}

/// <summary>As much of a manifest or index as tells which of the two it is.</summary>
internal sealed record ManifestProbe(string? MediaType, JsonElement? Config, JsonElement? Layers, JsonElement? Manifests);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ManifestProbe))]
[JsonSerializable(typeof(ImageManifest))]
[JsonSerializable(typeof(ImageIndex))]
[JsonSerializable(typeof(ImageConfiguration))]
internal sealed partial class OciJsonContext : JsonSerializerContext;
