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

    /// <summary>The API group without a version; only where the flag <c>kreference-group</c> is on.</summary>
    public string? Group { get; init; }

    /// <summary>The name of one of the target's <c>status.addresses</c>; empty takes the first.</summary>
    public string? Address { get; init; }

    /// <summary>The reference with the namespace of the object that refers, where it names none.</summary>
    public KReference WithDefaults(string? parentNamespace) =>
        string.IsNullOrEmpty(Namespace) ? this with { Namespace = parentNamespace } : this;

    /// <param name="parentNamespace">That of the object that refers; a reference may not leave it. Empty: it may name any.</param>
    /// <param name="path">Where the reference stands, such as <c>spec.ref</c>.</param>
    /// <param name="groupAllowed">Whether <see cref="Group"/> may stand instead of <see cref="ApiVersion"/>.</param>
    public void Validate(string? parentNamespace, string path, FieldErrors errors, bool groupAllowed = false)
    {
        var noVersion = string.IsNullOrEmpty(ApiVersion) && !(groupAllowed && !string.IsNullOrEmpty(Group));
        string[] missing =
        [
            .. string.IsNullOrEmpty(Name) ? new[] { $"{path}.name" } : [],
            .. noVersion && !groupAllowed ? new[] { $"{path}.apiVersion" } : [],
            .. string.IsNullOrEmpty(Kind) ? new[] { $"{path}.kind" } : [],
        ];
        if (missing.Length > 0)
        {
            errors.Missing(missing);
        }

        if (noVersion && groupAllowed)
        {
            errors.MissingOneOf($"{path}.apiVersion", $"{path}.group");
        }

        if (!string.IsNullOrEmpty(Group))
        {
            if (!groupAllowed)
            {
                errors.Disallowed($"{path}.group");
            }
            else if (!string.IsNullOrEmpty(ApiVersion) && !ApiVersion.StartsWith(Group, StringComparison.Ordinal))
            {
                errors.Add(
                    "both apiVersion and group are specified and they refer to different API groups",
                    [$"{path}.apiVersion", $"{path}.group"]);
            }
        }

        if (!string.IsNullOrEmpty(Namespace) && !string.IsNullOrEmpty(parentNamespace) && Namespace != parentNamespace)
        {
            errors.Add(
                "mismatched namespaces", $"{path}.namespace",
                $"parent namespace: \"{parentNamespace}\" does not match ref: \"{Namespace}\"");
        }
    }
}
