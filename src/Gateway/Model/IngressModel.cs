using System.Collections.Immutable;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;

namespace Knet.Gateway.Model;

/// <summary>From a KIngress to rules (serving.md 9.6). Pure.</summary>
public static class IngressModel
{
    private const string ClusterLocal = "ClusterLocal";
    private const string Redirected = "Redirected";

    /// <param name="resolve">What the Service of a split is; the second argument is the host it would be asked under.</param>
    public static IngressRules Build(KnIngress ingress, Func<IngressBackendSplit, string, BackendRules> resolve)
    {
        var (ns, name) = (ingress.Metadata.NamespaceProperty ?? "", ingress.Metadata.Name);
        var redirect = ingress.Spec.HttpOption == Redirected;
        var hosts = new SortedDictionary<string, HostRules>(StringComparer.Ordinal);
        foreach (var rule in ingress.Spec.Rules ?? [])
        {
            var external = rule.Visibility != ClusterLocal;
            foreach (var host in rule.Hosts ?? [])
            {
                var paths = (rule.Http?.Paths ?? []).Select(path => Path(path, host, resolve)).ToImmutableArray();

                // A host that several rules name has the paths of all; it is external if one of them is.
                hosts[host] = hosts.TryGetValue(host, out var known)
                    ? known with
                    {
                        External = known.External || external,
                        Redirect = known.Redirect || (external && redirect),
                        Paths = known.Paths.AddRange(paths),
                    }
                    : new HostRules(host, external, external && redirect, paths);
            }
        }

        return new IngressRules(
            new ObjectKey(ns, name), ingress.Metadata.CreationTimestamp ?? default, IngressHash.Compute(ingress), [.. hosts.Values]);
    }

    private static PathRules Path(HttpIngressPath path, string host, Func<IngressBackendSplit, string, BackendRules> resolve)
    {
        var alone = path.Splits.Count == 1;
        var target = path.RewriteHost is { Length: > 0 } rewritten ? rewritten : null;
        return new PathRules(path.Path ?? "", [.. path.Splits.Select(split => Split(split, target ?? host, alone, resolve))])
        {
            Headers = [.. (path.Headers ?? []).Select(h => new HeaderRules(h.Key, h.Value.Exact))],
            RewriteHost = target,
            SetHeaders = Set(path.AppendHeaders, false),
        };
    }

    private static SplitRules Split(
        IngressBackendSplit split, string host, bool alone, Func<IngressBackendSplit, string, BackendRules> resolve)
    {
        var percent = split.Percent ?? 0;
        var backend = resolve(split, host);
        return new SplitRules(alone && percent == 0 ? 100 : percent, backend)
        {
            SetHeaders = Set(split.AppendHeaders, backend is BackendRules.Revision),
        };
    }

    /// <param name="forRevision">
    /// The headers that name the Revision to an activator say nothing new then, and the program must not see them.
    /// </param>
    private static ImmutableArray<HeaderRules> Set(SortedDictionary<string, string>? headers, bool forRevision) =>
    [
        .. (headers ?? [])
            .Where(h => !(forRevision && h.Key is (KnHeaders.Revision or KnHeaders.Namespace)))
            .Select(h => new HeaderRules(h.Key, h.Value)),
    ];
}
