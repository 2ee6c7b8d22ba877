using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;

namespace Knet.Serving.DomainMappings;

/// <summary>The Kubernetes Service behind what a DomainMapping refers to.</summary>
/// <param name="Name">Of a Service in the DomainMapping's namespace; empty with a problem.</param>
/// <param name="Problem">Why the reference leads nowhere (yet).</param>
internal sealed record ReferenceTarget(string Name, string? Problem)
{
    public static ReferenceTarget Of(KReference reference, string ns, IView view)
    {
        var (name, group) = (reference.Name ?? "", GroupOf(reference.ApiVersion));
        switch (group, reference.Kind)
        {
            case (ServingKeys.Group, "Service"):
                var service = view.Get<KnService>(ns, name);
                return service is null ? NotFound("services.serving.knative.dev", name) : At(service.Status.Address?.Url, reference, ns);
            case (ServingKeys.Group, "Route"):
                var route = view.Get<KnRoute>(ns, name);
                return route is null ? NotFound("routes.serving.knative.dev", name) : At(route.Status.Address?.Url, reference, ns);
            case ("", "Service"):
                return view.Get<V1Service>(ns, name) is null ? NotFound("services", name) : new(name, null);
            default:
                return new("", $"{reference.ApiVersion} {reference.Kind} cannot be mapped: use a Service or Route of " +
                    "serving.knative.dev/v1, or a Service of v1");
        }
    }

    private static ReferenceTarget At(string? url, KReference reference, string ns)
    {
        const string Suffix = $".{DomainConfig.ClusterLocal}";
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address))
        {
            return new("", $"address not set for {reference.Kind} \"{reference.Name}\"");
        }

        if (address.AbsolutePath.Length > 1)
        {
            return new("", $"resolved URI \"{url}\" contains a path");
        }

        var parts = address.Host.EndsWith(Suffix, StringComparison.Ordinal) ? address.Host[..^Suffix.Length].Split('.') : [];
        return parts switch
        {
            [var name, var owner] when owner == ns => new(name, null),
            [_, _] => new("", $"resolved URI \"{url}\" must be in same namespace as DomainMapping"),
            _ => new("", $"resolved URI \"{url}\" must be of the form {{name}}.{{namespace}}{Suffix}"),
        };
    }

    private static ReferenceTarget NotFound(string resource, string name) => new("", $"{resource} \"{name}\" not found");

    private static string GroupOf(string? apiVersion) =>
        apiVersion?.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash ? apiVersion[..slash] : "";
}
