namespace Knet.ApiServer.Http;

/// <summary>What a path of the resource API names. Everything but group and version may be empty.</summary>
/// <param name="Rest">What follows the subresource <c>proxy</c>, with its slash; else empty.</param>
internal sealed record ApiRoute(
    string Group, string Version, string Namespace, string Resource, string Name, string Subresource, string Rest)
{
    /// <summary>Reads <c>/api/v1/…</c> and <c>/apis/group/version/…</c> with at least a resource; null for any other path.</summary>
    public static ApiRoute? Parse(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["api", var version, _, ..] => ParseResource("", version, parts[2..]),
            ["apis", var group, var version, _, ..] => ParseResource(group, version, parts[3..]),
            _ => null,
        };
    }

    /// <summary>A proxied request's target as it was sent, cut behind the segment <c>proxy</c>.</summary>
    /// <param name="target">Path and query, nothing decoded.</param>
    /// <param name="segments">How many segments lie up to and including <c>proxy</c>.</param>
    /// <returns>The path up to <c>proxy</c>, and all that follows, with its slash if there is one.</returns>
    public static (string Prefix, string Remainder) SplitProxy(string target, int segments)
    {
        var at = 0;
        for (; segments > 0 && at < target.Length; segments--)
        {
            while (at < target.Length && target[at] == '/')
            {
                at++;
            }

            while (at < target.Length && target[at] is not ('/' or '?'))
            {
                at++;
            }
        }

        return (target[..at], target[at..]);
    }

    private static ApiRoute? ParseResource(string group, string version, string[] parts)
    {
        // "namespaces/x/status" and "namespaces/x/finalize" are subresources of the namespace, anything else in x is a resource.
        var isInside = parts is ["namespaces", _, _, ..] && !(parts.Length == 3 && group.Length == 0 && parts[2] is "status" or "finalize");
        var ns = isInside ? Uri.UnescapeDataString(parts[1]) : "";
        var own = isInside ? parts[2..] : parts;
        var name = own.Length > 1 ? Uri.UnescapeDataString(own[1]) : "";
        var subresource = own.Length > 2 ? own[2] : "";
        if (own.Length > 3 && subresource != "proxy")
        {
            return null;
        }

        var rest = own.Length > 3 ? "/" + string.Join('/', own[3..]) : "";
        return new ApiRoute(group, version, ns, own[0], name, subresource, rest);
    }
}
