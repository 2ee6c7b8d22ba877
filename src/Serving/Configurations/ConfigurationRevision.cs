using System.Globalization;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Configurations;

/// <summary>The Revision that a Configuration makes from its template.</summary>
internal static class ConfigurationRevision
{
    /// <summary>The template's own name, or the Configuration's with its generation in five digits.</summary>
    public static string NameFor(KnConfiguration configuration)
    {
        var name = configuration.Spec.Template.Metadata?.Name;
        return string.IsNullOrEmpty(name)
            ? ChildNames.For(
                configuration.Metadata.Name, string.Create(CultureInfo.InvariantCulture, $"-{configuration.Metadata.Generation ?? 0:D5}"))
            : name;
    }

    public static KnRevision For(KnConfiguration configuration, DateTimeOffset now)
    {
        var (metadata, template) = (configuration.Metadata, configuration.Spec.Template);
        var routes = metadata.Annotations.Find(ServingKeys.Routes);
        var isRouted = !string.IsNullOrEmpty(routes);
        return new KnRevision
        {
            Metadata = new V1ObjectMeta
            {
                Name = NameFor(configuration),
                NamespaceProperty = metadata.NamespaceProperty,
                Labels = Maps.Keep(template.Metadata?.Labels)
                    .With(ServingKeys.Configuration, metadata.Name)
                    .With(ServingKeys.Service, metadata.Labels.Find(ServingKeys.Service) ?? "")
                    .With(ServingKeys.ConfigurationGeneration, $"{metadata.Generation ?? 0}")
                    .With(ServingKeys.ConfigurationUid, metadata.Uid)
                    .With(ServingKeys.ServiceUid, metadata.Labels.Find(ServingKeys.ServiceUid) ?? "")
                    .With(ServingKeys.RoutingState, isRouted ? ServingKeys.RoutingActive : ServingKeys.RoutingPending),
                Annotations = Maps.Keep(template.Metadata?.Annotations)
                    .With(ServingKeys.Creator, metadata.Annotations.Find(ServingKeys.LastModifier))
                    .With(ServingKeys.Routes, isRouted ? routes : null)
                    .With(ServingKeys.RoutingStateModified, Timestamp(now)),
                OwnerReferences = [Ownership.By(configuration)],
            },
            Spec = template.Spec,
        };
    }

    /// <summary>RFC 3339 in UTC, whole seconds.</summary>
    public static string Timestamp(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    /// <summary>The generation of the Configuration that a Revision was made from; 0 when its label is missing.</summary>
    public static long GenerationOf(KnRevision revision) =>
        long.TryParse(revision.Metadata.Labels.Find(ServingKeys.ConfigurationGeneration), CultureInfo.InvariantCulture, out var generation)
            ? generation
            : 0;
}
