using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Services;

/// <summary>The Route of a Service.</summary>
internal static class ServiceRoute
{
    public static KnRoute For(KnService service)
    {
        var metadata = service.Metadata;
        return new KnRoute
        {
            Metadata = new V1ObjectMeta
            {
                Name = metadata.Name,
                NamespaceProperty = metadata.NamespaceProperty,
                Labels = Maps.Keep(metadata.Labels).With(ServingKeys.Service, metadata.Name),
                Annotations = Maps.Keep(metadata.Annotations, key => key != ServingKeys.LastApplied),
                OwnerReferences = [Ownership.By(service)],
            },
            Spec = new RouteSpec
            {
                Traffic =
                [
                    .. (service.Spec.Traffic ?? []).Select(t =>
                        string.IsNullOrEmpty(t.RevisionName) ? t with { ConfigurationName = metadata.Name } : t),
                ],
            },
        };
    }

    public static bool IsUpToDate(KnRoute existing, KnRoute wanted) =>
        Maps.Same(existing.Metadata.Labels, wanted.Metadata.Labels) &&
        Maps.Same(existing.Metadata.Annotations, wanted.Metadata.Annotations) &&
        (existing.Spec.Traffic ?? []).SequenceEqual(wanted.Spec.Traffic ?? []);
}
