using Knet.Api.Meta;
using Knet.Api.Serving.V1;

namespace Knet.Api.Serving.V1Beta1;

public sealed partial record KnDomainMapping
{
    private const string ClusterDomain = "cluster.local";

    /// <summary>The reference is in this namespace, which may be left out; who made and changed the object is noted.</summary>
    public KnDomainMapping WithDefaults(KnDomainMapping? old, string? user)
    {
        var result = string.IsNullOrEmpty(Spec.Ref.Namespace)
            ? this with { Spec = Spec with { Ref = Spec.Ref with { Namespace = Metadata.NamespaceProperty } } }
            : this;
        return user is null
            ? result
            : result with { Metadata = Authors.Of(Metadata, old is null, user, () => Authors.Same(old!.Spec, result.Spec)) };
    }

    /// <inheritdoc cref="KnService.Validate"/>
    public void Validate(KnDomainMapping? old, FieldErrors errors)
    {
        var name = Metadata.Name ?? "";
        if (!string.IsNullOrEmpty(Metadata.GenerateName))
        {
            errors.Disallowed("metadata.generateName");
        }

        if (!DnsNames.IsFullyQualified(name))
        {
            var why = name.Contains('.', StringComparison.Ordinal)
                ? DnsNames.Subdomain1123Message
                : "should be a domain with at least two segments separated by dots";
            errors.Add($"invalid name \"{name}\": name: Invalid value: \"{name}\": {why}", "metadata.name");
        }

        if (name.EndsWith($".{ClusterDomain}", StringComparison.Ordinal))
        {
            errors.Add(
                $"invalid name \"{name}\": must not be a subdomain of cluster local domain \"{ClusterDomain}\"", "metadata.name");
        }

        if (old is not null)
        {
            MetadataValidation.Authors(old.Metadata, Metadata, () => Authors.Same(old.Spec, Spec), errors);
        }

        Spec.Ref.Validate(Metadata.NamespaceProperty, "spec.ref", errors);
    }
}
