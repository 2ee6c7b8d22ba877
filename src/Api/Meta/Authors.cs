using k8s.Models;
using Knet.Api.Serving;

namespace Knet.Api.Meta;

/// <summary>The annotations that say who made an object and who changed its spec last.</summary>
internal static class Authors
{
    /// <param name="group">The API group of the kind, which begins the annotations' names.</param>
    public static V1ObjectMeta Of(
        V1ObjectMeta metadata, bool isCreate, string user, Func<bool> isSpecSame, string group = ServingKeys.Group)
    {
        if (!isCreate && isSpecSame())
        {
            return metadata;
        }

        var annotations = metadata.Annotations is null
            ? new Dictionary<string, string>()
            : new Dictionary<string, string>(metadata.Annotations);
        if (isCreate)
        {
            annotations[$"{group}/creator"] = user;
        }

        annotations[$"{group}/lastModifier"] = user;
        return metadata with { Annotations = annotations };
    }

    /// <summary>Equal as JSON: our records hold lists, which compare by reference.</summary>
    public static bool Same<T>(T a, T b) => ReferenceEquals(a, b) || KubeJson.Serialize(a).AsSpan().SequenceEqual(KubeJson.Serialize(b));
}
