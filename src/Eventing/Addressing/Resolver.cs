using Knet.Api.Duck;
using Knet.Kube.Controllers;

namespace Knet.Eventing.Addressing;

/// <summary>What a Destination was resolved to.</summary>
/// <param name="Address">With the Destination's own certificates and audience in place of the address's; null with a problem.</param>
/// <param name="Problem">Why there is no address (yet).</param>
internal sealed record Resolved(Addressable? Address, string? Problem);

/// <summary>Turns Destinations into addresses, as upstream's resolver does (eventing.md 2).</summary>
internal static class Resolver
{
    public static Resolved Resolve(Destination destination, string parentNamespace, IView view)
    {
        if (destination.Ref is not { } reference)
        {
            return Uri.TryCreate(destination.Uri, UriKind.Absolute, out var absolute) && absolute.Host.Length > 0
                ? new(With(new Addressable { Url = destination.Uri }, destination), null)
                : new(null, $"URI is not absolute (both scheme and host should be non-empty): \"{destination.Uri}\"");
        }

        var ns = string.IsNullOrEmpty(reference.Namespace) ? parentNamespace : reference.Namespace;
        var (found, missing, unknown) = Target.Find(reference.ApiVersion, reference.Kind, ns, reference.Name ?? "", view);
        if (found is null)
        {
            return new(null, unknown ?? $"failed to get object {ns}/{reference.Name}: {missing}");
        }

        return Choose(found, reference) is not { Url.Length: > 0 } address
            ? new(null, NotSet(reference, ns))
            : Join(With(address, destination), destination);
    }

    private static Addressable? Choose(Target target, KReference reference) => string.IsNullOrEmpty(reference.Address)
        ? (target.Addresses.Count > 0 ? target.Addresses[0] : target.Address)
        : target.Addresses.FirstOrDefault(a => a.Name == reference.Address);

    // An address of a Service of Kubernetes speaks TLS when the Destination says whom to trust.
    private static Addressable With(Addressable address, Destination destination)
    {
        var isService = destination.Ref is { ApiVersion: "v1", Kind: "Service" } && !string.IsNullOrEmpty(destination.CaCerts);
        return address with
        {
            Url = isService ? address.Url!.Replace("http://", "https://", StringComparison.Ordinal) : address.Url,
            CaCerts = destination.CaCerts ?? address.CaCerts,
            Audience = destination.Audience ?? address.Audience,
        };
    }

    private static Resolved Join(Addressable address, Destination destination)
    {
        if (string.IsNullOrEmpty(destination.Uri))
        {
            return new(address, null);
        }

        return Uri.TryCreate(address.Url, UriKind.Absolute, out var start) && Uri.TryCreate(start, destination.Uri, out var joined)
            ? new(address with { Url = joined.AbsoluteUri }, null)
            : new(null, $"URI \"{destination.Uri}\" cannot be resolved against \"{address.Url}\"");
    }

    private static string NotSet(KReference reference, string ns) =>
        $"address not set for Kind = {reference.Kind}, Namespace = {ns}, Name = {reference.Name}, APIVersion = {reference.ApiVersion}, " +
        $"Group = {reference.Group}, Address = {reference.Address}";
}
