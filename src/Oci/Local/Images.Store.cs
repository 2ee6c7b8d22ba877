using Knet.Oci.Composing;
using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Store;

namespace Knet.Oci.Local;

/// <summary>An image as <c>knet image list</c> shows it.</summary>
/// <param name="Names">Its references, sorted.</param>
/// <param name="Digest">Of what the names stand for.</param>
/// <param name="ImageId">Of its configuration.</param>
/// <param name="Bytes">On the disk, packed and unpacked; layers shared with other images count for each.</param>
/// <param name="Added">When the first of its names was given.</param>
/// <param name="Used">When it was last asked for since this process started.</param>
/// <param name="IsReady">Whether it is unpacked; else it is made ready when it is needed.</param>
public sealed record ImageSummary(
    IReadOnlyList<string> Names, string Digest, string? ImageId, long Bytes, DateTimeOffset Added, DateTimeOffset? Used, bool IsReady);

/// <summary>What a collection has removed.</summary>
public sealed record CollectedImages(IReadOnlyList<string> Names, int Blobs, int Layers);

// Loading, listing, removing, exporting, pushing, collecting.
public sealed partial class Images
{
    /// <summary>Loads the images of a tar (OCI image layout or <c>docker save</c>, perhaps packed) and makes them ready.</summary>
    /// <param name="archive">The bytes; read to the end, not closed by us unless it is packed.</param>
    /// <param name="name">The name for an archive's only image; null for the names that the archive gives.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The names that stand for the images now.</returns>
    /// <exception cref="ImageException">It is no image archive, is incomplete, or an image has no name.</exception>
    public async Task<IReadOnlyList<string>> LoadAsync(Stream archive, string? name, CancellationToken cancellationToken)
    {
        using var pins = Blobs.Pins.Open();
        // Reading and hashing an archive takes seconds of blocking calls: not on the caller's thread.
        var loaded = await Task.Run(() => new ImageLoader(Blobs, pins, _options).Read(archive, name, cancellationToken), cancellationToken);
        var names = new List<string>();
        foreach (var image in loaded)
        {
            foreach (var given in image.Names)
            {
                await NameAsync(given, image.Target, ImageOrigin.Loaded, cancellationToken);
                names.Add(given);
            }
        }

        return names;
    }

    /// <summary>Makes an image, gives it a name and makes it ready; the name counts as loaded here.</summary>
    /// <exception cref="ImageException">The image to build upon is not here, or a path of the recipe cannot be.</exception>
    public async Task<LocalImage> ComposeAsync(ImageRecipe recipe, string name, CancellationToken cancellationToken)
    {
        using var pins = Blobs.Pins.Open();
        var from = recipe.From is null ? null : Get(recipe.From).Stored;
        // Packing takes seconds of blocking calls: not on the caller's thread.
        var digest = await Task.Run(() => new ImageComposer(Blobs).Compose(recipe, from, pins, cancellationToken), cancellationToken);
        return await NameAsync(name, digest, ImageOrigin.Loaded, cancellationToken);
    }

    /// <summary>All images, by name.</summary>
    public IReadOnlyList<ImageSummary> List()
    {
        var table = Volatile.Read(ref _table);
        return [.. table.Names.Values.GroupBy(n => n.Target).Select(names =>
        {
            var image = names.Select(n => table.ByName.GetValueOrDefault(n.Name)).FirstOrDefault(i => i is not null);
            return new ImageSummary(
                [.. names.Select(n => n.Name).Order(StringComparer.Ordinal)],
                names.Key,
                image?.Local.ImageId,
                image is null ? 0 : Bytes(image.Stored),
                names.Min(n => n.Added),
                _used.TryGetValue(names.Key, out var used) ? used : null,
                image is not null);
        }).OrderBy(s => s.Names[0], StringComparer.Ordinal)];
    }

    /// <summary>Takes a name away; the disk space comes back with the next collection.</summary>
    /// <param name="reference">The name.</param>
    /// <param name="inUse">References or digests of the images that containers run.</param>
    /// <exception cref="ImageException">There is no such name, or its image is in use and has no other.</exception>
    public void Remove(string reference, IReadOnlyCollection<string> inUse)
    {
        var name = ImageReference.Parse(reference).ToString();
        lock (_gate)
        {
            if (!_table.Names.TryGetValue(name, out var found))
            {
                throw new ImageException($"there is no image \"{reference}\" in the store", "ImageNotFound");
            }

            var isLast = _table.Names.Values.Count(n => n.Target == found.Target) == 1;
            if (isLast && Used(_table, inUse).Contains(found.Target))
            {
                throw new ImageException($"the image \"{reference}\" is in use by a container; delete its pods first", "ImageInUse");
            }

            var table = _table.Without(name);
            _index.Write(table.Names.Values);
            Volatile.Write(ref _table, table);
        }
    }

    /// <summary>
    /// Removes images that were pulled, or displaced from their tag, are not in use and were not used for longest, until the store is below
    /// <see cref="StoreOptions.BytesTarget"/>, if it is above <see cref="StoreOptions.BytesMax"/>; and always everything that no name leads
    /// to. What was loaded under a name that it still has stays.
    /// </summary>
    /// <param name="inUse">References or digests of the images that containers run or may soon run (revisions at zero).</param>
    /// <param name="cancellationToken">Stops between two deletions.</param>
    public async Task<CollectedImages> CollectAsync(IReadOnlyCollection<string> inUse, CancellationToken cancellationToken)
    {
        var removed = RemoveUnused(inUse);
        var gone = new List<string>();
        var blobs = 0;
        lock (Blobs.Pins.Gate)
        {
            var live = Live();
            foreach (var digest in Blobs.All().Where(d => !live.Contains(d) && !Blobs.Pins.Has(d)).ToList())
            {
                Blobs.Delete(digest);
                blobs++;
            }

            foreach (var digest in _layers.All().Where(d => !live.Contains(d) && !Blobs.Pins.Has(d)).ToList())
            {
                gone.Add(_layers.Detach(digest));
            }
        }

        // Trees take long to delete; nobody finds them any more.
        await Task.Run(() => gone.ForEach(LayerStore.DeleteDetached), cancellationToken);
        if (removed.Count + blobs + gone.Count > 0)
        {
            Log.Collected(_logger, removed.Count, blobs, gone.Count);
        }

        return new CollectedImages(removed, blobs, gone.Count);
    }

    /// <summary>Writes an image as a tar in the OCI image layout, which <see cref="LoadAsync"/>, skopeo, podman and docker read.</summary>
    /// <exception cref="ImageException">It is not in the store.</exception>
    public void Export(string reference, Stream to)
    {
        var image = Get(reference);
        using var pins = Blobs.Pins.Open();
        foreach (var digest in image.Stored.Blobs)
        {
            pins.Add(digest);
        }

        ImageExporter.Write(Blobs, image.Stored, ImageReference.Parse(reference).ToString(), _options, to);
    }

    /// <summary>Uploads an image to a registry under <paramref name="destination"/>, and answers the digest it has there.</summary>
    /// <exception cref="ImageException">It is not in the store, or the registry refuses.</exception>
    public async Task<string> PushAsync(
        string reference, string destination, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
    {
        var image = Get(reference);
        var to = ImageReference.Parse(destination);
        foreach (var digest in image.Stored.Layers.Select(l => Digest.Parse(l.Digest, reference)).Append(image.Stored.ConfigurationDigest).Distinct())
        {
            await _registry.PushBlobAsync(to, digest, Blobs, credentials, cancellationToken);
        }

        var manifest = Blobs.ReadDocument(image.Stored.Manifest, _options.DocumentBytesMax);
        await _registry.PushManifestAsync(to, OciJson.MediaTypeOf(manifest, reference), manifest, credentials, cancellationToken);
        return image.Stored.Manifest.ToString();
    }

    /// <summary>The image of that name, ready.</summary>
    /// <exception cref="ImageException">It is not here.</exception>
    internal ReadyImage Get(string reference) => _table.Find(ImageReference.Parse(reference))
        ?? throw new ImageException($"there is no image \"{reference}\" in the store", "ImageNotFound");

    private static HashSet<string> Used(ImageTable table, IReadOnlyCollection<string> inUse)
    {
        var targets = new HashSet<string>(inUse);
        foreach (var text in inUse)
        {
            if (ImageReference.TryParse(text, out var reference, out _) && table.Find(reference!) is { } image)
            {
                targets.Add(image.Local.Digest);
            }
        }

        foreach (var image in table.ByName.Values)
        {
            if (targets.Contains(image.Local.ImageId) || targets.Contains(image.Stored.Manifest.ToString()))
            {
                targets.Add(image.Local.Digest);
            }
        }

        return targets;
    }

    private List<string> RemoveUnused(IReadOnlyCollection<string> inUse)
    {
        var removed = new List<string>();
        lock (_gate)
        {
            var total = Total(_table);
            if (total <= _options.BytesMax)
            {
                return removed;
            }

            var used = Used(_table, inUse);
            var youngest = _time.GetUtcNow() - _options.AgeMin;
            var candidates = _table.Names.Values.GroupBy(n => n.Target)
                .Where(g => g.All(n => n.Origin != ImageOrigin.Loaded) && !used.Contains(g.Key))
                .Select(g => (Names: g.Select(n => n.Name).ToList(), Last: _used.TryGetValue(g.Key, out var at) ? at : g.Max(n => n.Added)))
                .Where(c => c.Last <= youngest)
                .OrderBy(c => c.Last)
                .ToList();
            var table = _table;
            foreach (var (names, _) in candidates.TakeWhile(_ => Total(table) > _options.BytesMax * _options.BytesTarget))
            {
                table = names.Aggregate(table, (t, n) => t.Without(n));
                removed.AddRange(names);
            }

            _index.Write(table.Names.Values);
            Volatile.Write(ref _table, table);
        }

        return removed;
    }

    private long Total(ImageTable table) =>
        table.ByName.Values.SelectMany(i => i.Stored.Blobs).Distinct().Sum(Blobs.SizeOf)
        + table.ByName.Values.SelectMany(i => i.Stored.DiffIds).Distinct().Sum(_layers.SizeOf);

    private long Bytes(StoredImage image) => image.Blobs.Sum(Blobs.SizeOf) + image.DiffIds.Distinct().Sum(_layers.SizeOf);

    // Everything a name leads to, also when the image is not ready: its blobs may be all that is left of it.
    private HashSet<Digest> Live()
    {
        var live = new HashSet<Digest>();
        var table = Volatile.Read(ref _table);
        foreach (var name in table.Names.Values)
        {
            var stored = table.ByName.TryGetValue(name.Name, out var ready) ? ready.Stored : Readable(name);
            live.UnionWith(stored is null ? [] : stored.Blobs.Concat(stored.DiffIds));
        }

        return live;
    }

    private StoredImage? Readable(ImageName name)
    {
        try
        {
            return StoredImage.Read(Blobs, Digest.Parse(name.Target, name.Name), _options);
        }
        catch (ImageException)
        {
            return null;    // told when the store was opened; nothing of it is of use
        }
    }
}
