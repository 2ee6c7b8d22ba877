using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnConfiguration
{
    /// <summary>Fills in what its author left open, and who that was unless a Service owns it.</summary>
    /// <param name="old">The stored object; null at creation.</param>
    /// <param name="user">Who writes; null leaves creator and lastModifier alone.</param>
    public KnConfiguration WithDefaults(ServingPolicy policy, KnConfiguration? old, string? user)
    {
        var result = this with
        {
            Spec = Spec with { Template = Spec.Template.WithDefaults(policy, old?.Spec.Template, old is null, Metadata) },
        };
        return user is null || Metadata.OwnerReferences is { Count: > 0 }
            ? result
            : result with { Metadata = Authors.Of(Metadata, old is null, user, () => Authors.Same(old!.Spec, result.Spec)) };
    }
}

internal static class TemplateDefaults
{
    /// <summary>
    /// A template equal to the stored one under the same name makes no new Revision and is left as it is, whatever the defaults are by now.
    /// Any other gets its defaults, also under the same name: <c>kubectl apply</c> replaces a list that it changes, and what it sends of a
    /// container then lacks what was filled in before; the comparison that follows has to be of like with like.
    /// </summary>
    public static RevisionTemplate WithDefaults(
        this RevisionTemplate template, ServingPolicy policy, RevisionTemplate? old, bool isCreate, V1ObjectMeta parent)
    {
        var name = template.Metadata?.Name;
        var isNamed = !string.IsNullOrEmpty(name) && old?.Metadata?.Name == name;
        return isNamed && Authors.Same(old!, template)
            ? template
            : template with { Spec = template.Spec.WithDefaults(policy, isCreate || isNamed, parent) };
    }
}
