using System.Text;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using k8s.Models;

namespace Knet.Serving.ServerlessServices;

/// <summary>The endpoints of a Revision's public Service: those of its pods, or some activators.</summary>
internal static class RevisionEndpoints
{
    public static bool HasReady(V1Endpoints? endpoints) => endpoints?.Subsets?.Any(s => s.Addresses is { Count: > 0 }) == true;

    /// <summary>The public Endpoints object: the source's addresses, with only those ports that carry requests.</summary>
    public static V1Endpoints Public(KnServerlessService sks, V1Endpoints? source)
    {
        var port = RevisionServices.IsHttp2(sks) ? RevisionServices.BackendHttp2Port : RevisionServices.BackendHttpPort;
        return new V1Endpoints
        {
            ApiVersion = "v1",
            Kind = "Endpoints",
            Metadata = RevisionServices.Describe(sks, sks.Metadata.Name, "Public"),
            Subsets =
            [
                .. (source?.Subsets ?? [])
                    .Select(subset => new V1EndpointSubset
                    {
                        Addresses = subset.Addresses,
                        NotReadyAddresses = subset.NotReadyAddresses,
                        Ports = [.. (subset.Ports ?? []).Where(p => p.Port == port || p.Port == RevisionServices.BackendHttpsPort)],
                    })
                    .Where(subset => subset.Ports.Count > 0),
            ],
        };
    }

    /// <summary>A choice of so many activators that stays the same as long as these are there.</summary>
    /// <param name="count">0 takes all.</param>
    public static V1Endpoints Choose(V1Endpoints activators, int count, string revision)
    {
        var addresses = activators.Subsets.SelectMany(s => s.Addresses ?? []).Select(a => a.Ip).Distinct(StringComparer.Ordinal).ToArray();
        if (count <= 0 || addresses.Length <= count)
        {
            return activators;
        }

        var chosen = addresses.OrderBy(a => Fnv.Hash64(Encoding.UTF8.GetBytes(revision + "/" + a))).Take(count).ToHashSet(StringComparer.Ordinal);
        return new V1Endpoints
        {
            Metadata = activators.Metadata,
            Subsets =
            [
                .. activators.Subsets
                    .Select(s => new V1EndpointSubset
                    {
                        Addresses = [.. (s.Addresses ?? []).Where(a => chosen.Contains(a.Ip))],
                        Ports = s.Ports,
                    })
                    .Where(s => s.Addresses.Count > 0),
            ],
        };
    }
}
