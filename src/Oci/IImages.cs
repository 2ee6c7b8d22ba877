namespace Knet.Oci;

/// <summary>User name and password (or token) for a registry; null members for anonymous.</summary>
public sealed record RegistryCredentials(string? Username, string? Password);

/// <summary>What the image says of its process, as the OCI image configuration has it.</summary>
public sealed record ImageConfig
{
    public IReadOnlyList<string> Entrypoint { get; init; } = [];
    public IReadOnlyList<string> Cmd { get; init; } = [];
    public IReadOnlyList<string> Env { get; init; } = [];
    public string WorkingDir { get; init; } = "";

    /// <summary><c>user</c>, <c>uid</c>, <c>user:group</c> or <c>uid:gid</c>; empty means root.</summary>
    public string User { get; init; } = "";

    public string? StopSignal { get; init; }
}

/// <summary>An image that is ready to run on this machine.</summary>
/// <param name="Reference">As it was asked for.</param>
/// <param name="Digest"><c>sha256:hex</c> of what the reference stands for: a manifest, or an index of manifests for several
/// platforms.</param>
/// <param name="ImageId"><c>sha256:hex</c> of the configuration.</param>
/// <param name="LayerDirectories">Unpacked layers, top first: the order of overlayfs' <c>lowerdir</c>.</param>
public sealed record LocalImage(
    string Reference, string Digest, string ImageId, ImageConfig Config, IReadOnlyList<string> LayerDirectories);

/// <summary>An image could not be had; the message says which URL, what answer and with which credentials.</summary>
public sealed class ImageException(string message, string reason = "ErrImagePull", Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Kubelet's reason: <c>ErrImagePull</c>, <c>ErrImageNeverPull</c>, <c>InvalidImageName</c>.</summary>
    public string Reason { get; } = reason;
}

/// <summary>The images of this machine: pulled from registries or loaded from files, stored by content.</summary>
public interface IImages
{
    /// <summary>The image, if it is here and unpacked: no I/O beyond memory, for the cold path.</summary>
    LocalImage? Find(string reference);

    /// <summary>
    /// Makes the image ready. <paramref name="policy"/> is Kubernetes' imagePullPolicy: Always, IfNotPresent or Never. Concurrent calls
    /// for one image share the work.
    /// </summary>
    /// <exception cref="ImageException">It cannot be had.</exception>
    Task<LocalImage> EnsureAsync(
        string reference, string policy, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken);

    /// <summary>
    /// The digest a tag stands for now: from the local store when the image was loaded there, else from its registry.
    /// Answers <c>sha256:hex</c>.
    /// </summary>
    /// <exception cref="ImageException">It cannot be had.</exception>
    Task<string> ResolveDigestAsync(string reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken);
}
