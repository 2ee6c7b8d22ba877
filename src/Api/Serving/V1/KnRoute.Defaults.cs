using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

public sealed partial record KnRoute
{
    /// <inheritdoc cref="KnConfiguration.WithDefaults"/>
    public KnRoute WithDefaults(KnRoute? old, string? user)
    {
        var result = this with { Spec = Spec with { Traffic = TrafficDefaults.Of(Spec.Traffic, isWithinService: false) } };
        return user is null || Metadata.OwnerReferences is { Count: > 0 }
            ? result
            : result with { Metadata = Authors.Of(Metadata, old is null, user, () => Authors.Same(old!.Spec, result.Spec)) };
    }
}

internal static class TrafficDefaults
{
    /// <summary>A Service without traffic sends all of it to its latest Revision; a Route alone cannot know where to.</summary>
    public static List<TrafficTarget>? Of(List<TrafficTarget>? traffic, bool isWithinService)
    {
        if (traffic is not { Count: > 0 })
        {
            return isWithinService ? [new TrafficTarget { Percent = 100, LatestRevision = true }] : traffic;
        }

        return
        [
            .. traffic.Select(t => t with
            {
                LatestRevision = t.LatestRevision ?? string.IsNullOrEmpty(t.RevisionName),
                Percent = t.Percent ?? 0,
            }),
        ];
    }
}
