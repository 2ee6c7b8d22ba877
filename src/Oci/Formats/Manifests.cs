namespace Knet.Oci.Formats;

/// <summary>Points to a blob or manifest: what it is, its digest and its size.</summary>
public sealed record Descriptor
{
    public string MediaType { get; init; } = "";

    /// <summary><c>sha256:hex</c>.</summary>
    public string Digest { get; init; } = "";

    /// <summary>In bytes.</summary>
    public long Size { get; init; }

    public Platform? Platform { get; init; }

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>What an image of an index runs on, in Go's words.</summary>
public sealed record Platform
{
    public string Architecture { get; init; } = "";

    public string Os { get; init; } = "";

    public string? Variant { get; init; }

    /// <summary>The machines Knet runs on.</summary>
    public static Platform LinuxAmd64 { get; } = new() { Os = "linux", Architecture = "amd64" };

    /// <summary><c>os/architecture[/variant]</c>.</summary>
    public override string ToString() => Variant is { Length: > 0 } ? $"{Os}/{Architecture}/{Variant}" : $"{Os}/{Architecture}";
}

/// <summary>One image: configuration and layers (OCI's image manifest and Docker's schema 2, which have the same form).</summary>
public sealed record ImageManifest
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public Descriptor Config { get; init; } = new();

    /// <summary>Bottom first.</summary>
    public IReadOnlyList<Descriptor> Layers { get; init; } = [];

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>Images for several platforms under one name (OCI's image index and Docker's manifest list).</summary>
public sealed record ImageIndex
{
    public int SchemaVersion { get; init; } = 2;

    public string? MediaType { get; init; }

    public IReadOnlyList<Descriptor> Manifests { get; init; } = [];

    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}
