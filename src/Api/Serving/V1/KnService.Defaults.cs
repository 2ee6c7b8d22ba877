using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnService
{
    /// <inheritdoc cref="KnConfiguration.WithDefaults"/>
    public KnService WithDefaults(ServingPolicy policy, KnService? old, string? user)
    {
        var result = this with
        {
            Spec = Spec with
            {
                Template = Spec.Template.WithDefaults(policy, old?.Spec.Template, old is null, Metadata),
                Traffic = TrafficDefaults.Of(Spec.Traffic, isWithinService: true),
            },
        };
        return user is null
            ? result
            : result with { Metadata = Authors.Of(Metadata, old is null, user, () => Authors.Same(old!.Spec, result.Spec)) };
    }
}
