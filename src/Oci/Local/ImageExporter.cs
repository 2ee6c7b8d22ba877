using Knet.Oci.Formats;
using Knet.Oci.Store;
using Knet.Oci.Tar;

namespace Knet.Oci.Local;

/// <summary>Writes an image as a tar in the OCI image layout; the same image gives the same bytes.</summary>
internal static class ImageExporter
{
    /// <summary>
    /// Writes <paramref name="image"/>'s manifest for this machine, configuration and layers under <paramref name="name"/>.
    /// </summary>
    internal static void Write(BlobStore blobs, StoredImage image, string name, StoreOptions options, Stream to)
    {
        var manifest = blobs.ReadDocument(image.Manifest, options.DocumentBytesMax);
        var descriptor = new Descriptor
        {
            MediaType = OciJson.MediaTypeOf(manifest, name),
            Digest = image.Manifest.ToString(),
            Size = manifest.Length,
            Platform = Platform.LinuxAmd64,
            Annotations = new SortedDictionary<string, string>
            {
                ["io.containerd.image.name"] = name,
                ["org.opencontainers.image.ref.name"] = name,
            },
        };
        var tar = new TarWriter(to);
        tar.WriteFile("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}"u8);
        tar.WriteFile("index.json", OciJson.Write(new ImageIndex { MediaType = MediaTypes.OciIndex, Manifests = [descriptor] }));
        foreach (var digest in image.Blobs.Where(d => d != image.Target || d == image.Manifest).OrderBy(d => d.Hex, StringComparer.Ordinal))
        {
            using var blob = blobs.Open(digest);
            tar.Write(new TarEntry { Name = $"blobs/sha256/{digest.Hex}", Kind = TarKind.File, Mode = 0x1A4, Size = blob.Length }, blob);
        }

        tar.Finish();
    }
}
