using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

public sealed partial record KnRevision
{
    /// <summary>Fills in what its author left open. A Revision that exists is immutable, so an update is never defaulted.</summary>
    /// <param name="old">The stored object; null at creation.</param>
    public KnRevision WithDefaults(ServingPolicy policy, KnRevision? old) =>
        old is not null ? this : this with { Spec = Spec.WithDefaults(policy, isCreate: true, Metadata) };
}
