using System.Text.Json.Serialization;

namespace Knet.Oci.Formats;

/// <summary>The configuration blob of an image: how to run it and what its layers are when unpacked.</summary>
public sealed record ImageConfiguration
{
    public string? Created { get; init; }

    public string Architecture { get; init; } = "";

    public string Os { get; init; } = "";

    public ContainerSettings? Config { get; init; }

    [JsonPropertyName("rootfs")]
    public RootFileSystem RootFs { get; init; } = new();

    public IReadOnlyList<HistoryEntry>? History { get; init; }
}

/// <summary>The configuration's <c>config</c>: Docker's names, which begin with capitals.</summary>
public sealed record ContainerSettings
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    [JsonPropertyName("ExposedPorts")]
    public IReadOnlyDictionary<string, EmptyObject>? ExposedPorts { get; init; }

    [JsonPropertyName("Env")]
    public IReadOnlyList<string>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public IReadOnlyList<string>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public IReadOnlyList<string>? Cmd { get; init; }

    [JsonPropertyName("Volumes")]
    public IReadOnlyDictionary<string, EmptyObject>? Volumes { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    [JsonPropertyName("Labels")]
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    [JsonPropertyName("StopSignal")]
    public string? StopSignal { get; init; }
}

/// <summary>Go's <c>struct{}</c>: the value of a set's members, <c>{}</c>.</summary>
public sealed record EmptyObject;

/// <summary>The layers by the digests of their unpacked tars, bottom first.</summary>
public sealed record RootFileSystem
{
    public string Type { get; init; } = "layers";

    [JsonPropertyName("diff_ids")]
    public IReadOnlyList<string> DiffIds { get; init; } = [];
}

/// <summary>Where a layer came from; for people only.</summary>
public sealed record HistoryEntry
{
    public string? Created { get; init; }

    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    public string? Comment { get; init; }

    [JsonPropertyName("empty_layer")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool EmptyLayer { get; init; }
}
