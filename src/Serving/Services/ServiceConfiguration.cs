using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Services;

/// <summary>The Configuration of a Service.</summary>
internal static class ServiceConfiguration
{
    /// <param name="existing">The present one: Routes that it names beside ours are kept.</param>
    public static KnConfiguration For(KnService service, KnConfiguration? existing)
    {
        var metadata = service.Metadata;
        var routes = RouteList.Of(existing?.Metadata.Annotations);
        routes.Add(metadata.Name);
        return new KnConfiguration
        {
            Metadata = new V1ObjectMeta
            {
                Name = metadata.Name,
                NamespaceProperty = metadata.NamespaceProperty,
                Labels = Maps.Keep(metadata.Labels).With(ServingKeys.Service, metadata.Name).With(ServingKeys.ServiceUid, metadata.Uid),
                Annotations = Maps.Keep(metadata.Annotations, IsForConfiguration).With(ServingKeys.Routes, RouteList.Text(routes)),
                OwnerReferences = [Ownership.By(service)],
            },
            Spec = new ConfigurationSpec { Template = service.Spec.Template },
        };
    }

    public static bool IsUpToDate(KnConfiguration existing, KnConfiguration wanted) =>
        Maps.Same(existing.Metadata.Labels, wanted.Metadata.Labels) &&
        Maps.Same(existing.Metadata.Annotations, wanted.Metadata.Annotations) &&
        Maps.SameJson(existing.Spec, wanted.Spec);

    private static bool IsForConfiguration(string key) =>
        key is not (ServingKeys.LastApplied or ServingKeys.RolloutDuration or ServingKeys.RolloutDurationAlt);
}
