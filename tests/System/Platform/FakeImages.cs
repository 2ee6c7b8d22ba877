using System.Security.Cryptography;
using System.Text;
using Knet.Oci;

namespace Knet.Tests.System.Platform;

/// <summary>Every image exists, with a digest made of its name, except those with <c>missing</c> in their names.</summary>
internal sealed class FakeImages : IImages
{
    public LocalImage? Find(string reference) => null;

    public Task<LocalImage> EnsureAsync(
        string reference, string policy, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken) =>
        throw new ImageException("the fake node runs no images");

    public Task<string> ResolveDigestAsync(
        string reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken) =>
        reference.Contains("missing", StringComparison.Ordinal)
            ? throw new ImageException($"GET https://{reference}: 404 Not Found: manifest unknown")
            : Task.FromResult($"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(reference)))}");
}
