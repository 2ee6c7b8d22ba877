using k8s;
using k8s.Models;
using Knet.Api.Eventing;
using Knet.Api.Eventing.V1;
using Knet.Api.Meta;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.Eventing.Webhook;

/// <summary>The defaults and the rules of a kind; what they do stands beside the kind in <c>Api</c>.</summary>
internal abstract record KindRules
{
    public static KindRules Of<T>(Func<T, EventingPolicy, T?, T> defaults, Action<T, EventingPolicy, T?, FieldErrors> validate)
        where T : class, IKubernetesObject<V1ObjectMeta> => new Typed<T>(defaults, validate);

    /// <summary>The object with its defaults; null when it has them.</summary>
    public abstract KubeDocument? Mutate(AdmissionRequest request, EventingPolicy policy);

    public abstract void Validate(AdmissionRequest request, EventingPolicy policy, FieldErrors errors);

    private sealed record Typed<T>(Func<T, EventingPolicy, T?, T> Defaults, Action<T, EventingPolicy, T?, FieldErrors> Rules) : KindRules
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        public override KubeDocument? Mutate(AdmissionRequest request, EventingPolicy policy)
        {
            var value = request.Object!.As<T>();
            var result = Defaults(value, policy, request.OldObject?.As<T>());
            return ReferenceEquals(value, result) ? null : KubeDocument.From(result);
        }

        public override void Validate(AdmissionRequest request, EventingPolicy policy, FieldErrors errors) =>
            Rules(request.Object!.As<T>(), policy, request.OldObject?.As<T>(), errors);
    }
}

/// <summary>The kinds that admission knows, by group and plural. A new kind is a line here.</summary>
internal static class EventingKinds
{
    public static readonly Dictionary<(string Group, string Plural), KindRules> All = new()
    {
        [(EventingKeys.Group, "brokers")] = KindRules.Of<KnBroker>(
            static (value, policy, old) => value.WithDefaults(policy, old),
            static (value, policy, old, errors) => value.Validate(policy, old, errors)),
        [(EventingKeys.Group, "triggers")] = KindRules.Of<KnTrigger>(
            static (value, policy, old) => value.WithDefaults(policy, old),
            static (value, policy, old, errors) => value.Validate(policy, old, errors)),
    };
}
