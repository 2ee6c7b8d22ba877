using k8s;
using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;

namespace Knet.Eventing.Addressing;

/// <summary>An object that a reference leads to, in the shape that its kinds share. Reading it wakes the reader when it changes.</summary>
/// <param name="Address">Its <c>status.address</c>.</param>
/// <param name="Addresses">Its <c>status.addresses</c>, the preferred one first.</param>
internal sealed record Target(V1ObjectMeta Metadata, long? ObservedGeneration, IReadOnlyList<KnCondition>? Conditions, Addressable? Address)
{
    private static readonly Dictionary<(string Group, string Kind), Finder> Kinds = new()
    {
        [("", "Service")] = Of<V1Service>(
            "services", static s => new(s.Metadata, s.Metadata.Generation, null, new Addressable
            {
                Url = $"http://{s.Metadata.Name}.{s.Metadata.NamespaceProperty}.svc.cluster.local",
            })),
        [("serving.knative.dev", "Service")] = Of<KnService>(
            "services.serving.knative.dev",
            static s => new(s.Metadata, s.Status.ObservedGeneration, s.Status.Conditions, s.Status.Address)),
        [("serving.knative.dev", "Route")] = Of<KnRoute>(
            "routes.serving.knative.dev",
            static r => new(r.Metadata, r.Status.ObservedGeneration, r.Status.Conditions, r.Status.Address)),
        [("eventing.knative.dev", "Broker")] = Of<KnBroker>(
            "brokers.eventing.knative.dev",
            static b => new(b.Metadata, b.Status.ObservedGeneration, b.Status.Conditions, b.Status.Address)
            {
                Addresses = b.Status.Addresses ?? [],
            }),
        [("eventing.knative.dev", "Trigger")] = Of<KnTrigger>(
            "triggers.eventing.knative.dev",
            static t => new(t.Metadata, t.Status.ObservedGeneration, t.Status.Conditions, null)),
    };

    public IReadOnlyList<Addressable> Addresses { get; init; } = [];

    /// <summary>The kinds that can be followed, for the controllers that resolve references.</summary>
    public static ControllerOptions ReadAll(ControllerOptions options) =>
        options.Reads<V1Service>().Reads<KnService>().Reads<KnRoute>().Reads<KnBroker>().Reads<KnTrigger>();

    /// <summary>The object, or why there is none: <c>Missing</c> when it does not exist, <c>Unknown</c> when its kind cannot be read.</summary>
    public static (Target? Found, string? Missing, string? Unknown) Find(string? apiVersion, string? kind, string ns, string name, IView view)
    {
        var group = apiVersion?.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash ? apiVersion[..slash] : "";
        if (!Kinds.TryGetValue((group, kind ?? ""), out var finder))
        {
            return (null, null, $"{apiVersion} {kind} {ns}/{name} cannot be followed here: name one of " +
                string.Join(", ", Kinds.Keys.Select(k => k.Group.Length == 0 ? k.Kind : $"{k.Kind}.{k.Group}")) + ", or a uri");
        }

        return finder.Find(view, ns, name) is { } found ? (found, null, null) : (null, $"{finder.Resource} \"{name}\" not found", null);
    }

    private static Finder Of<T>(string resource, Func<T, Target> read) where T : class, IKubernetesObject<V1ObjectMeta> =>
        new(resource, (view, ns, name) => view.Get<T>(ns, name) is { } found ? read(found) : null);

    private sealed record Finder(string Resource, Func<IView, string, string, Target?> Find);
}
