using System.Text.Json;
using System.Text.Json.Serialization;
using Knet.Oci.Formats;

namespace Knet.Oci.Store;

/// <summary>Where an image came from.</summary>
public enum ImageOrigin
{
    /// <summary>A registry: it can be had again, and its tag may have moved on.</summary>
    Pulled,

    /// <summary>A file or a build on this machine: the tag stands for it, and no registry is asked.</summary>
    Loaded,

    /// <summary>Any, but another image has taken its tag since; it is kept under its digest.</summary>
    Displaced,
}

/// <summary>A name of an image in the store.</summary>
/// <param name="Name">Complete reference.</param>
/// <param name="Target">What the name stands for: an index, or a manifest.</param>
/// <param name="Manifest">The manifest for this machine; the target itself, if that is one.</param>
/// <param name="Origin">Where it came from.</param>
/// <param name="Added">When the name was given.</param>
public sealed record ImageName(string Name, string Target, string Manifest, ImageOrigin Origin, DateTimeOffset Added);

/// <summary>The names on the disk: one JSON file, replaced whole, so that a crash leaves the old or the new one.</summary>
internal sealed class NameIndex(StoreOptions options)
{
    private readonly string _path = Path.Combine(options.Root, "names.json");

    /// <exception cref="ImageException">The file is broken.</exception>
    internal IReadOnlyList<ImageName> Read() =>
        File.Exists(_path) ? OciJson.Read(File.ReadAllBytes(_path), NameIndexJsonContext.Default.ListImageName, _path) : [];

    internal void Write(IEnumerable<ImageName> names)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(
            names.OrderBy(n => n.Name, StringComparer.Ordinal).ToList(), NameIndexJsonContext.Default.ListImageName);
        var temporary = _path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(bytes);
            file.Flush(options.WriteThrough);
        }

        File.Move(temporary, _path, overwrite: true);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(List<ImageName>))]
internal sealed partial class NameIndexJsonContext : JsonSerializerContext;
