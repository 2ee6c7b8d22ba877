using k8s.Models;
using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>The objects that a binding changes: one by name, or those that a selector chooses.</summary>
public sealed record BindingSubject
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public string? Namespace { get; init; }
    public string? Name { get; init; }
    public V1LabelSelector? Selector { get; init; }

    /// <summary>The subject in the binding's namespace, where it names none.</summary>
    public BindingSubject WithDefaults(string? parentNamespace) =>
        string.IsNullOrEmpty(Namespace) ? this with { Namespace = parentNamespace } : this;

    /// <param name="parentNamespace">The binding's, which the subject's must be.</param>
    /// <param name="path">Where it stands, such as <c>spec.subject</c>.</param>
    public void Validate(string? parentNamespace, string path, FieldErrors errors)
    {
        string[] missing =
        [
            .. new[] { ("apiVersion", ApiVersion), ("kind", Kind), ("namespace", Namespace) }
                .Where(f => string.IsNullOrEmpty(f.Item2)).Select(f => $"{path}.{f.Item1}"),
        ];
        if (missing.Length > 0)
        {
            errors.Missing(missing);
        }

        if (!string.IsNullOrEmpty(Namespace) && Namespace != parentNamespace)
        {
            errors.Invalid(Namespace, $"{path}.namespace");
        }

        switch (string.IsNullOrEmpty(Name), Selector is null)
        {
            case (true, true):
                errors.MissingOneOf($"{path}.name", $"{path}.selector");
                break;
            case (false, false):
                errors.MultipleOneOf($"{path}.name", $"{path}.selector");
                break;
        }
    }
}
