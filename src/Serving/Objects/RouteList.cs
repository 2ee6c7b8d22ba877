using Knet.Api.Serving;

namespace Knet.Serving.Objects;

/// <summary>The annotation that names, sorted and with commas, the Routes that use a Revision or Configuration.</summary>
internal static class RouteList
{
    public static SortedSet<string> Of(IDictionary<string, string>? annotations) =>
        new(
            (annotations.Find(ServingKeys.Routes) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            StringComparer.Ordinal);

    public static string Text(IEnumerable<string> routes) => string.Join(',', routes);
}
