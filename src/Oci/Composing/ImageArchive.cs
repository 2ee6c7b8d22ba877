using Knet.Oci.Local;
using Knet.Oci.References;
using Knet.Oci.Store;

namespace Knet.Oci.Composing;

/// <summary>
/// Makes an image from a recipe straight into a tar file (OCI image layout): for build scripts, which have no image store.
/// </summary>
public static class ImageArchive
{
    /// <summary>Writes the image; an existing file is replaced when the new one is complete.</summary>
    /// <param name="recipe">What to make; it must not build on another image, as there is no store to take that from.</param>
    /// <param name="name">The reference that the archive carries, which loading it gives to the image.</param>
    /// <param name="path">The tar file; blobs are kept beside it while it is made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ImageException">The name or a path of the recipe cannot be.</exception>
    public static void Write(ImageRecipe recipe, string name, string path, CancellationToken cancellationToken)
    {
        if (recipe.From is not null)
        {
            throw new ImageException($"the image is to build on \"{recipe.From}\", and an archive is made without an image store");
        }

        var reference = ImageReference.Parse(name).ToString();
        var temporary = $"{Path.GetFullPath(path)}.{Guid.NewGuid():N}";
        Directory.CreateDirectory(temporary);
        try
        {
            var options = new StoreOptions { Root = temporary };
            var blobs = new BlobStore(options);
            using var pins = blobs.Pins.Open();
            var digest = new ImageComposer(blobs).Compose(recipe, null, pins, cancellationToken);
            var tar = Path.Combine(temporary, "image.tar");
            using (var file = new FileStream(tar, FileMode.CreateNew, FileAccess.Write, FileShare.None, 128 * 1024))
            {
                ImageExporter.Write(blobs, StoredImage.Read(blobs, digest, options), reference, options, file);
            }

            File.Move(tar, path, overwrite: true);
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }
}
