using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Serving.Objects;

namespace Knet.Serving.Revisions;

/// <summary>Names, labels and annotations of what a Revision owns.</summary>
internal static class RevisionMeta
{
    public static string DeploymentName(KnRevision revision) => ChildNames.For(revision.Metadata.Name, "-deployment");

    /// <summary>The Revision's labels without those that change with its traffic, and who it is.</summary>
    public static SortedDictionary<string, string> Labels(KnRevision revision)
    {
        var labels = Maps.Keep(revision.Metadata.Labels, key => key is not (ServingKeys.Route or ServingKeys.RoutingState))
            .With(ServingKeys.Revision, revision.Metadata.Name)
            .With(ServingKeys.RevisionUid, revision.Metadata.Uid);
        labels.TryAdd(ServingKeys.App, revision.Metadata.Name);
        return labels;
    }

    /// <summary>The Revision's annotations without those of its traffic and, unless asked for, of its scale.</summary>
    public static SortedDictionary<string, string> Annotations(KnRevision revision, bool withAutoscaling) =>
        Maps.Keep(revision.Metadata.Annotations, key =>
            key is not (ServingKeys.LastPinned or ServingKeys.NoGc or ServingKeys.RoutingStateModified or ServingKeys.Routes) &&
            (withAutoscaling || !key.StartsWith(AutoscalingKeys.Prefix, StringComparison.Ordinal)));

    /// <summary>The container that gets the requests: the only one, or the one with a port.</summary>
    public static V1Container ServingContainer(RevisionSpec spec)
    {
        foreach (var container in spec.Containers)
        {
            if (container.Ports is { Count: > 0 })
            {
                return container;
            }
        }

        return spec.Containers[0];
    }

    /// <summary>The port the user's program listens on; 8080 when it names none.</summary>
    public static int UserPort(RevisionSpec spec) =>
        ServingContainer(spec).Ports is { Count: > 0 } ports && ports[0].ContainerPort != 0 ? ports[0].ContainerPort : 8080;

    /// <summary><c>h2c</c> or <c>http1</c>.</summary>
    public static string Protocol(RevisionSpec spec) =>
        spec.Containers.Count > 0 && ServingContainer(spec).Ports is { Count: > 0 } ports && ports[0].Name == "h2c" ? "h2c" : "http1";
}
