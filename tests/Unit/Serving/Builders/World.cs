using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Knet.Api.Autoscaling.V1Alpha1;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;
using Knet.Serving.Config;

namespace Knet.Tests.Unit.Serving.Builders;

/// <summary>
/// Objects in memory that are a view for reconcilers and that plans can be carried out on: as the API would, as far as generation, uid,
/// replicas and
/// ownership go.
/// </summary>
internal sealed class World : IView
{
    public static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly Dictionary<string, Type> Types = new Type[]
    {
        typeof(KnService), typeof(KnConfiguration), typeof(KnRoute), typeof(KnRevision), typeof(KnPodAutoscaler), typeof(KnIngress),
        typeof(KnCertificate),
        typeof(KnDomainMapping), typeof(KnClusterDomainClaim), typeof(V1Deployment), typeof(V1Service), typeof(V1Endpoints), typeof(V1Pod),
    }.ToDictionary(t => t.Name.StartsWith("Kn", StringComparison.Ordinal) ? "kn/" + t.Name[2..] : t.Name[2..]);

    private readonly SortedDictionary<string, IKubernetesObject<V1ObjectMeta>> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<Type, object> _configs = new()
    {
        [typeof(DefaultsConfig)] = new DefaultsConfig(),
        [typeof(FeaturesConfig)] = new FeaturesConfig(),
        [typeof(AutoscalingLimits)] = new AutoscalingLimits(),
        [typeof(DeploymentConfig)] = new DeploymentConfig(),
        [typeof(NetworkConfig)] = new NetworkConfig(),
        [typeof(ObservabilityConfig)] = new ObservabilityConfig(),
        [typeof(GcConfig)] = new GcConfig(),
        [typeof(DomainConfig)] = DomainConfig.Parse(new Dictionary<string, string> { ["localhost"] = "" }),
    };

    private int _uids;

    public Dictionary<object, object> Facts { get; } = [];

    /// <summary>Every write so far, as <c>verb Kind/name</c>.</summary>
    public List<string> Writes { get; } = [];

    public List<PlanEvent> Events { get; } = [];
    public DateTimeOffset Now { get; set; } = Start;

    public World Having(params IKubernetesObject<V1ObjectMeta>[] objects)
    {
        foreach (var value in objects)
        {
            _objects[KeyOf(value.GetType(), value.Metadata.NamespaceProperty, value.Metadata.Name)] = value;
        }

        return this;
    }

    public World With<TConfig>(TConfig config) where TConfig : class
    {
        _configs[typeof(TConfig)] = config;
        return this;
    }

    public void Remove<T>(string name) => _objects.Remove(KeyOf(typeof(T), A.Namespace, name));

    public T Only<T>() where T : class => Assert1(_objects.Values.OfType<T>().ToList());

    public T Take<T>(string name) where T : class, IKubernetesObject<V1ObjectMeta> =>
        Get<T>(A.Namespace, name) ?? throw new InvalidOperationException($"no {typeof(T).Name} {name}");

    public T? Get<T>(string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta> =>
        _objects.GetValueOrDefault(KeyOf(typeof(T), ns, name)) as T;

    public IReadOnlyList<T> Owned<T>(V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. _objects.Values.OfType<T>().Where(o => o.Metadata.OwnerReferences?.Any(r => r.Controller == true && r.Uid == owner.Uid) == true)];

    public IReadOnlyList<T> Labelled<T>(string ns, string label, string value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. _objects.Values.OfType<T>().Where(o => o.Metadata.Labels?.TryGetValue(label, out var found) == true && found == value)];

    public IReadOnlyList<T> All<T>(string ns) where T : class, IKubernetesObject<V1ObjectMeta> => [.. _objects.Values.OfType<T>()];

    public TConfig Config<TConfig>() where TConfig : class => (TConfig)_configs[typeof(TConfig)];

    public Fact<TValue> Fact<TQuery, TValue>(TQuery query) where TQuery : notnull =>
        Facts.TryGetValue(query, out var fact) ? (Fact<TValue>)fact : global::Knet.Kube.Facts.Fact<TValue>.Pending.Instance;

    /// <summary>Carries a plan out for every object of the kind; the writes are recorded.</summary>
    public void Run<T, TStatus>(IReconciler<T, TStatus> reconciler, Func<T, TStatus> status, Func<T, TStatus, T> with)
        where T : class, IKubernetesObject<V1ObjectMeta>
        where TStatus : class
    {
        foreach (var value in _objects.Values.OfType<T>().ToList())
        {
            var plan = reconciler.Reconcile(value, this);
            foreach (var step in plan.Steps)
            {
                Execute(step);
            }

            Events.AddRange(plan.Events);
            var newest = Take<T>(value.Metadata.Name);
            if (plan.Status is { } wanted && !Same(wanted, status(newest)))
            {
                Having(with(newest, wanted));
                Writes.Add($"status {value.Kind}/{value.Metadata.Name}");
            }
        }
    }

    public void Execute(PlanStep step)
    {
        var isOurs = step.Type.Group.EndsWith("knative.dev", StringComparison.Ordinal);
        var type = Types.GetValueOrDefault(isOurs ? "kn/" + step.Type.Kind : step.Type.Kind)
            ?? throw new InvalidOperationException($"unknown kind {step.Type}");
        var key = KeyOf(type, step.Key.Namespace, step.Key.Name);
        var existing = _objects.GetValueOrDefault(key);
        var verb = step.GetType().Name[..^4].ToLowerInvariant();
        Writes.Add($"{verb} {step.Type.Kind}/{step.Key.Name}");
        switch (step)
        {
            case DeleteStep:
                _objects.Remove(key);
                return;
            case PatchStep patch:
                var target = JsonNode.Parse(KubeJson.Serialize((object)existing!))!.AsObject();
                Merge(target, JsonNode.Parse(patch.Body.Span)!.AsObject());
                Store(type, target);
                return;
            case ApplyStep or CreateStep or EnsureStep:
                var body = step switch { ApplyStep apply => apply.Body, CreateStep create => create.Body, _ => ((EnsureStep)step).Body };
                Write(type, existing, JsonNode.Parse(body.Span)!.AsObject());
                return;
        }
    }

    private void Write(Type type, IKubernetesObject<V1ObjectMeta>? existing, JsonObject body)
    {
        var metadata = body["metadata"]!.AsObject();
        if (existing is null)
        {
            metadata["uid"] = $"made-{++_uids}";
            metadata["generation"] = 1;
            metadata["resourceVersion"] = "1";
        }
        else
        {
            var old = JsonNode.Parse(KubeJson.Serialize((object)existing))!.AsObject();
            if (type == typeof(V1Deployment))
            {
                body["spec"]!["replicas"] ??= old["spec"]!["replicas"]?.DeepClone();
            }

            metadata["uid"] = existing.Metadata.Uid;
            metadata["generation"] = existing.Metadata.Generation + (JsonNode.DeepEquals(old["spec"], body["spec"]) ? 0 : 1);
            body["status"] = old["status"]?.DeepClone();
        }

        Store(type, body);
    }

    private void Store(Type type, JsonObject value) =>
        Having((IKubernetesObject<V1ObjectMeta>)System.Text.Json.JsonSerializer.Deserialize(value, type, KubeJson.Options)!);

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else if (value is JsonObject inner && target[name] is JsonObject known)
            {
                Merge(known, inner);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }

    private static bool Same<T>(T one, T other) => KubeJson.Serialize(one).AsSpan().SequenceEqual(KubeJson.Serialize(other));

    private static string KeyOf(Type type, string ns, string name) => $"{type.Name}/{ns}/{name}";

    private static T Assert1<T>(List<T> list) =>
        list.Count == 1 ? list[0] : throw new InvalidOperationException($"{list.Count} {typeof(T).Name}");
}
