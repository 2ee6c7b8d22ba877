using System.Collections.Frozen;
using System.Collections.Concurrent;
using Knet.Oci.Formats;
using Knet.Oci.Layers;
using Knet.Oci.References;
using Knet.Oci.Registry;
using Knet.Oci.Store;
using Microsoft.Extensions.Logging;

namespace Knet.Oci.Local;

/// <summary>The images of this machine: pulled from registries or loaded from files, stored by content, unpacked for overlayfs.</summary>
/// <remarks>
/// Thread-safe. <see cref="Find"/> reads memory only. One process at a time may have the store open; a lock file sees to that.
/// A tag that was loaded or built here stands for that image, and no registry is asked for it, whatever the pull policy.
/// </remarks>
public sealed partial class Images : IImages, IDisposable
{
    private readonly KeyedLocks _locks = new();
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, DateTimeOffset> _used = new();
    private readonly StoreOptions _options;
    private readonly RegistryClient _registry;
    private readonly ImagePuller _puller;
    private readonly LayerStore _layers;
    private readonly NameIndex _index;
    private readonly TimeProvider _time;
    private readonly ILogger<Images> _logger;
    private readonly FileStream _lock;
    private ImageTable _table = ImageTable.Empty;

    /// <summary>Opens the store, makes it if it is missing, and finds out which images are ready.</summary>
    /// <exception cref="ImageException">Another process has it open, or its index is broken.</exception>
    public Images(StoreOptions options, RegistryClient registry, TimeProvider time, ILogger<Images> logger)
    {
        _options = options;
        _registry = registry;
        _time = time;
        _logger = logger;
        Directory.CreateDirectory(options.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _lock = Lock(options.Root);
        Blobs = new BlobStore(options);
        _layers = new LayerStore(options);
        _index = new NameIndex(options);
        _puller = new ImagePuller(registry, Blobs, options);
        foreach (var name in _index.Read())
        {
            _table = _table.With(name, Open(name));
        }
    }

    /// <summary>The content behind the images.</summary>
    public BlobStore Blobs { get; }

    /// <inheritdoc/>
    public LocalImage? Find(string reference)
    {
        if (!ImageReference.TryParse(reference, out var parsed, out _) || Volatile.Read(ref _table).Find(parsed!) is not { } found)
        {
            return null;
        }

        return Use(found, reference);
    }

    // Names that tools give to images which exist on the machine only (registries-skipping-tag-resolving has the same default). Under .local
    // no registry answers, and asking the network's name servers for one tells the user nothing.
    private static readonly FrozenSet<string> StandIns = FrozenSet.Create("dev.local", "ko.local", "kind.local");

    /// <inheritdoc/>
    public async Task<LocalImage> EnsureAsync(
        string reference, string policy, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        var parsed = ImageReference.Parse(reference);
        if (policy != "Always" || parsed.Digest is not null || IsLoaded(parsed))
        {
            if (_table.Find(parsed) is { } ready)
            {
                return Use(ready, reference);
            }
        }

        using var turn = await _locks.EnterAsync(parsed.ToString(), cancellationToken);
        var present = _table.Find(parsed) ?? await UnpackAgainAsync(parsed, cancellationToken);
        switch (policy)
        {
            case "Never":
                return present is null
                    ? throw new ImageException($"Container image \"{reference}\" is not present with pull policy of Never", "ErrImageNeverPull")
                    : Use(present, reference);
            case "Always" when parsed.Digest is null && !IsLoaded(parsed):
                var current = await _registry.HeadManifestAsync(parsed, credentials, cancellationToken);
                if (current is not null && current.Value.ToString() == present?.Local.Digest)
                {
                    return Use(present, reference);
                }

                break;
            case "Always" or "IfNotPresent" or "":
                if (present is not null)
                {
                    return Use(present, reference);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(policy), policy, "A pull policy is Always, IfNotPresent or Never.");
        }

        if (StandIns.Contains(parsed.Registry))
        {
            throw new ImageException(
                $"no image of this name was loaded, and {parsed.Registry} is no registry to pull from; " +
                "load it with: knet image load FILE.tar");
        }

        return Use(await PullAsync(parsed, credentials, cancellationToken), reference);
    }

    /// <inheritdoc/>
    public async Task<string> ResolveDigestAsync(
        string reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        var parsed = ImageReference.Parse(reference);
        if (parsed.Digest is { } given)
        {
            return given.ToString();
        }

        if (_table.Names.TryGetValue(parsed.ToString(), out var name) && name.Origin == ImageOrigin.Loaded)
        {
            return name.Target;
        }

        var digest = await _registry.HeadManifestAsync(parsed, credentials, cancellationToken)
            ?? (await _registry.GetManifestAsync(parsed, credentials, cancellationToken)).Digest;
        return digest.ToString();
    }

    /// <summary>Gives an image whose blobs are in the store a name, and makes it ready.</summary>
    /// <param name="name">The reference; with a tag, or with the digest of <paramref name="target"/>.</param>
    /// <param name="target">Digest of the manifest or index.</param>
    /// <param name="origin">Where it came from.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ImageException">Something of it is missing or broken.</exception>
    public async Task<LocalImage> NameAsync(string name, Digest target, ImageOrigin origin, CancellationToken cancellationToken)
    {
        using var pins = Blobs.Pins.Open();
        pins.Add(target);
        var reference = ImageReference.Parse(name);
        var image = await ReadyAsync(reference.ToString(), target, pins, cancellationToken);
        Register(
            new ImageName(reference.ToString(), target.ToString(), image.Stored.Manifest.ToString(), origin, _time.GetUtcNow()), image);
        return Use(image, name);
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string root)
    {
        var path = Path.Combine(root, "lock");
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new ImageException(
                $"the image store {root} is in use by another process (its lock file is {path}): {e.Message}", inner: e);
        }
    }

    private bool IsLoaded(ImageReference reference) =>
        _table.Names.TryGetValue(reference.ToString(), out var name) && name.Origin == ImageOrigin.Loaded;

    private LocalImage Use(ReadyImage image, string reference)
    {
        _used[image.Local.Digest] = _time.GetUtcNow();
        return image.Local.Reference == reference ? image.Local : image.Local with { Reference = reference };
    }

    private async Task<ReadyImage> PullAsync(
        ImageReference reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        using var pins = Blobs.Pins.Open();
        var started = _time.GetTimestamp();
        Digest target;
        try
        {
            target = await _puller.PullAsync(reference, credentials, pins, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageException($"{reference} cannot be stored in {_options.Root}: {e.Message}", inner: e);
        }

        var image = await ReadyAsync(reference.ToString(), target, pins, cancellationToken);
        Register(
            new ImageName(
                reference.ToString(), target.ToString(), image.Stored.Manifest.ToString(), ImageOrigin.Pulled, _time.GetUtcNow()), image);
        Log.Pulled(_logger, reference.ToString(), target.ToString(), _time.GetElapsedTime(started).TotalSeconds);
        return image;
    }

    // A name whose layers are gone or were never unpacked (a crash between the two): the blobs may still be here.
    private async Task<ReadyImage?> UnpackAgainAsync(ImageReference reference, CancellationToken cancellationToken)
    {
        var name = reference.Digest is { } digest
            ? _table.Names.Values.FirstOrDefault(n => n.Target == digest.ToString() || n.Manifest == digest.ToString())
            : _table.Names.GetValueOrDefault(reference.ToString());
        if (name is null)
        {
            return null;
        }

        using var pins = Blobs.Pins.Open();
        try
        {
            var image = await ReadyAsync(name.Name, Digest.Parse(name.Target, name.Name), pins, cancellationToken);
            Register(name, image);
            return image;
        }
        catch (ImageException e)
        {
            Log.Incomplete(_logger, name.Name, e.Message);
            return null;
        }
    }

    private async Task<ReadyImage> ReadyAsync(string name, Digest target, PinScope pins, CancellationToken cancellationToken)
    {
        var stored = StoredImage.Read(Blobs, target, _options);
        foreach (var digest in stored.Blobs.Concat(stored.DiffIds))
        {
            pins.Add(digest);
        }

        await Parallel.ForEachAsync(stored.DiffIds.Zip(stored.Layers).DistinctBy(l => l.First), cancellationToken, async (layer, token) =>
        {
            var blob = Digest.Parse(layer.Second.Digest, name);
            await _layers.EnsureAsync(layer.First, Compression(layer.Second, blob), () => Blobs.Open(blob), token);
        });
        return new ReadyImage(stored, stored.Ready(_layers, name) ?? throw new ImageException($"{name}: a layer vanished while it was unpacked"));
    }

    // Some builders label plain tars as gzip and the reverse; the first bytes know. The label still has to be one we know.
    private LayerCompression Compression(Descriptor layer, Digest blob)
    {
        MediaTypes.Compression(layer.MediaType);
        using var file = Blobs.Open(blob);
        return PackedStream.Sniff(file) ?? LayerCompression.None;
    }

    private ReadyImage? Open(ImageName name)
    {
        try
        {
            var stored = StoredImage.Read(Blobs, Digest.Parse(name.Target, name.Name), _options);
            return stored.Ready(_layers, name.Name) is { } local ? new ReadyImage(stored, local) : null;
        }
        catch (ImageException e)
        {
            Log.Incomplete(_logger, name.Name, e.Message);
            return null;
        }
    }

    private void Register(ImageName name, ReadyImage image)
    {
        lock (_gate)
        {
            var table = _table.With(name, image);
            _index.Write(table.Names.Values);
            Volatile.Write(ref _table, table);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Image {Image} pulled as {Digest} in {Seconds:0.0} s")]
        internal static partial void Pulled(ILogger logger, string image, string digest, double seconds);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Image {Image} is incomplete and will be pulled or loaded again: {Reason}")]
        internal static partial void Incomplete(ILogger logger, string image, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Images collected: {Images} images, {Blobs} blobs, {Layers} layers")]
        internal static partial void Collected(ILogger logger, int images, int blobs, int layers);
    }
}
