using System.Collections.Immutable;
using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Store;

namespace Knet.Oci.Local;

/// <summary>An image that is ready, under one of its names.</summary>
internal sealed record ReadyImage(StoredImage Stored, LocalImage Local);

/// <summary>All names and all ready images at one moment; a change makes a new table, so readers take no lock.</summary>
internal sealed class ImageTable
{
    private readonly ImmutableDictionary<string, ReadyImage> _byDigest;

    private ImageTable(
        ImmutableDictionary<string, ImageName> names,
        ImmutableDictionary<string, ReadyImage> byName,
        ImmutableDictionary<string, ReadyImage> byDigest)
    {
        Names = names;
        ByName = byName;
        _byDigest = byDigest;
    }

    internal static ImageTable Empty { get; } = new(
        ImmutableDictionary<string, ImageName>.Empty,
        ImmutableDictionary<string, ReadyImage>.Empty,
        ImmutableDictionary<string, ReadyImage>.Empty);

    internal ImmutableDictionary<string, ImageName> Names { get; }

    internal ImmutableDictionary<string, ReadyImage> ByName { get; }

    /// <summary>
    /// By name; a reference with a digest finds the image under whatever name it is here, because its content is the same.
    /// </summary>
    internal ReadyImage? Find(ImageReference reference) => reference.Digest is { } digest
        ? _byDigest.GetValueOrDefault(digest.ToString())
        : ByName.GetValueOrDefault(reference.ToString());

    /// <summary>With <paramref name="name"/> added or replaced. An image that loses its tag keeps its digest as a name.</summary>
    internal ImageTable With(ImageName name, ReadyImage? image)
    {
        var table = this;
        if (Names.TryGetValue(name.Name, out var old) && old.Target != name.Target)
        {
            var byDigest = ImageReference.Parse(name.Name).At(Digest.Parse(old.Target, name.Name)).ToString();
            if (!Names.ContainsKey(byDigest))
            {
                table = table.With(old with { Name = byDigest, Origin = ImageOrigin.Displaced }, ByName.GetValueOrDefault(name.Name));
            }
        }

        var names = table.Names.SetItem(name.Name, name);
        if (image is null)
        {
            return new ImageTable(names, table.ByName.Remove(name.Name), table._byDigest);
        }

        return new ImageTable(
            names,
            table.ByName.SetItem(name.Name, image),
            table._byDigest.SetItem(image.Stored.Target.ToString(), image).SetItem(image.Stored.Manifest.ToString(), image));
    }

    /// <summary>Without <paramref name="name"/>; the image stays known by digest as long as another name has it.</summary>
    internal ImageTable Without(string name)
    {
        var byName = ByName.Remove(name);
        var byDigest = _byDigest.Clear();
        foreach (var image in byName.Values)
        {
            byDigest = byDigest.SetItem(image.Stored.Target.ToString(), image).SetItem(image.Stored.Manifest.ToString(), image);
        }

        return new ImageTable(Names.Remove(name), byName, byDigest);
    }
}
