using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>Names another object, which is resolved to an address.</summary>
public sealed record KReference
{
    public string? Kind { get; init; }

    /// <summary>Empty means the namespace of the object that refers.</summary>
    public string? Namespace { get; init; }

    public string? Name { get; init; }
    public string? ApiVersion { get; init; }

    /// <param name="parentNamespace">That of the object that refers; a reference may not leave it.</param>
    /// <param name="path">Where the reference stands, such as <c>spec.ref</c>.</param>
    public void Validate(string? parentNamespace, string path, FieldErrors errors)
    {
        string[] missing =
        [
            .. new[] { ("name", Name), ("apiVersion", ApiVersion), ("kind", Kind) }
                .Where(f => string.IsNullOrEmpty(f.Item2)).Select(f => $"{path}.{f.Item1}"),
        ];
        if (missing.Length > 0)
        {
            errors.Missing(missing);
        }

        if (!string.IsNullOrEmpty(Namespace) && !string.IsNullOrEmpty(parentNamespace) && Namespace != parentNamespace)
        {
            errors.Add(
                "mismatched namespaces", $"{path}.namespace",
                $"parent namespace: \"{parentNamespace}\" does not match ref: \"{Namespace}\"");
        }
    }
}
