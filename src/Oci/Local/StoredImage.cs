using System.Collections.Immutable;
using Knet.Oci.Formats;
using Knet.Oci.Store;

namespace Knet.Oci.Local;

/// <summary>An image of the store with all that belongs to it.</summary>
/// <param name="Target">What its name stands for: an index, or the manifest itself.</param>
/// <param name="Manifest">The manifest for this machine.</param>
/// <param name="ConfigurationDigest">The image's id.</param>
/// <param name="Configuration">How to run it.</param>
/// <param name="Layers">Packed layers, bottom first.</param>
/// <param name="DiffIds">Unpacked layers, bottom first.</param>
internal sealed record StoredImage(
    Digest Target,
    Digest Manifest,
    Digest ConfigurationDigest,
    ImageConfiguration Configuration,
    IReadOnlyList<Descriptor> Layers,
    IReadOnlyList<Digest> DiffIds)
{
    /// <summary>All blobs it is made of.</summary>
    internal IEnumerable<Digest> Blobs =>
        Layers.Select(l => Digest.Parse(l.Digest, "layers")).Concat([Target, Manifest, ConfigurationDigest]).Distinct();

    /// <summary>Reads an image's documents from the store.</summary>
    /// <exception cref="ImageException">Something is missing or not what it should be.</exception>
    internal static StoredImage Read(BlobStore blobs, Digest target, StoreOptions options)
    {
        var manifestDigest = target;
        var document = blobs.ReadDocument(target, options.DocumentBytesMax);
        var mediaType = OciJson.MediaTypeOf(document, target.ToString());
        if (MediaTypes.IsIndex(mediaType))
        {
            var chosen = OciJson.Select(OciJson.ReadIndex(document, target.ToString()), Platform.LinuxAmd64, target.ToString());
            manifestDigest = Digest.Parse(chosen.Digest, target.ToString());
            document = blobs.ReadDocument(manifestDigest, options.DocumentBytesMax);
            mediaType = OciJson.MediaTypeOf(document, manifestDigest.ToString());
        }

        if (!MediaTypes.IsManifest(mediaType))
        {
            throw new ImageException(
                $"{manifestDigest}: the media type is \"{mediaType}\"; supported are OCI's image manifest and Docker's schema 2");
        }

        var manifest = OciJson.ReadManifest(document, manifestDigest.ToString());
        var configurationDigest = Digest.Parse(manifest.Config.Digest, manifestDigest.ToString());
        var configuration = OciJson.ReadConfiguration(
            blobs.ReadDocument(configurationDigest, options.DocumentBytesMax), configurationDigest.ToString());
        Check(manifest, configuration, manifestDigest, options);
        var diffIds = configuration.RootFs.DiffIds.Select(d => Digest.Parse(d, configurationDigest.ToString())).ToList();
        return new StoredImage(target, manifestDigest, configurationDigest, configuration, manifest.Layers, diffIds);
    }

    /// <summary>The image as it can be run; null if a layer is not unpacked.</summary>
    internal LocalImage? Ready(LayerStore layers, string name)
    {
        var directories = DiffIds.Select(layers.Find).Reverse().ToList();
        return directories.Contains(null)
            ? null
            : new LocalImage(name, Target.ToString(), ConfigurationDigest.ToString(), Config(), directories!);
    }

    private static void Check(ImageManifest manifest, ImageConfiguration configuration, Digest digest, StoreOptions options)
    {
        var diffIds = configuration.RootFs.DiffIds;
        if (diffIds.Count != manifest.Layers.Count)
        {
            throw new ImageException($"{digest}: the manifest has {manifest.Layers.Count} layers, its configuration {diffIds.Count}");
        }

        if (diffIds.Count > options.LayersMax)
        {
            throw new ImageException($"{digest}: the image has {diffIds.Count} layers; the limit is {options.LayersMax}");
        }

        var here = Platform.LinuxAmd64;
        if (configuration.Os is not ("" or null) && configuration.Os != here.Os
            || configuration.Architecture is not ("" or null) && configuration.Architecture != here.Architecture)
        {
            throw new ImageException($"{digest}: the image is for {configuration.Os}/{configuration.Architecture}, this machine is {here}");
        }
    }

    private ImageConfig Config()
    {
        var settings = Configuration.Config ?? new ContainerSettings();
        return new ImageConfig
        {
            Entrypoint = Strings(settings.Entrypoint),
            Cmd = Strings(settings.Cmd),
            Env = Strings(settings.Env),
            WorkingDir = settings.WorkingDir ?? "",
            User = settings.User ?? "",
            StopSignal = string.IsNullOrEmpty(settings.StopSignal) ? null : settings.StopSignal,
        };
    }

    private static ImmutableArray<string> Strings(IReadOnlyList<string>? strings) =>
        strings is null ? [] : [.. strings.Select(s => s ?? "")];
}
