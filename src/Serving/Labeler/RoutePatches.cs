using System.Text;
using System.Text.Json;
using k8s;
using k8s.Models;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.Configurations;
using Knet.Serving.Objects;

namespace Knet.Serving.Labeler;

/// <summary>The merge patches by which a Revision or Configuration learns which Routes use it.</summary>
internal static class RoutePatches
{
    /// <summary>Null when nothing changes. A Revision also becomes active, or reserve when no Route is left.</summary>
    public static PlanStep? For<T>(T target, SortedSet<string> routes, DateTimeOffset now) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var metadata = target.Metadata;
        var text = RouteList.Text(routes);
        var state = routes.Count > 0 ? ServingKeys.RoutingActive : ServingKeys.RoutingReserve;
        var isSameState = target is not KnRevision || metadata.Labels.Find(ServingKeys.RoutingState) == state;
        if (isSameState && (metadata.Annotations.Find(ServingKeys.Routes) ?? "") == text)
        {
            return null;
        }

        var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("metadata");

            // Two Routes may come to use the same Revision at once: neither may overwrite what the other wrote.
            json.WriteString("resourceVersion", metadata.ResourceVersion);
            json.WriteStartObject("annotations");
            if (routes.Count > 0)
            {
                json.WriteString(ServingKeys.Routes, text);
            }
            else
            {
                json.WriteNull(ServingKeys.Routes);
            }

            if (!isSameState)
            {
                json.WriteString(ServingKeys.RoutingStateModified, ConfigurationRevision.Timestamp(now));
            }

            json.WriteEndObject();
            if (!isSameState)
            {
                json.WriteStartObject("labels");
                json.WriteString(ServingKeys.RoutingState, state);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return PlanStep.Patch<T>(metadata.NamespaceProperty, metadata.Name, PatchKind.Merge, buffer.ToArray());
    }
}
