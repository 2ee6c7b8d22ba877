namespace Knet.Kube.Informers;

/// <summary>What an informer looks at, and how it deals with a server that is away.</summary>
public sealed record InformerOptions
{
    /// <summary>Empty: all namespaces.</summary>
    public string Namespace { get; init; } = "";

    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }

    /// <summary>Begin with a watch that sends the present objects; falls back to lists by itself when the server refuses.</summary>
    public bool UseInitialEvents { get; init; } = true;

    /// <summary>Objects per page when listing. Default 500, as client-go.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>First wait after an error; doubled up to <see cref="RetryMax"/>.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Default 2 s: an informer is one request, and kinds may appear (CRDs) while it waits.</summary>
    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(2);
}
