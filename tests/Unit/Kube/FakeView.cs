using k8s;
using k8s.Models;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;

namespace Knet.Tests.Unit.Kube;

/// <summary>A view of a few objects, configuration records and facts given by hand.</summary>
internal sealed class FakeView(params IKubernetesObject<V1ObjectMeta>[] objects) : IView
{
    private readonly List<IKubernetesObject<V1ObjectMeta>> _objects = [.. objects];
    private readonly Dictionary<Type, object> _configs = [];
    private readonly Dictionary<Type, Func<object, object>> _facts = [];

    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public FakeView With<TConfig>(TConfig config) where TConfig : class
    {
        _configs[typeof(TConfig)] = config;
        return this;
    }

    public FakeView Knowing<TQuery, TValue>(Func<TQuery, TValue> answer) where TQuery : notnull
    {
        _facts[typeof(TQuery)] = query => new Fact<TValue>.Known(answer((TQuery)query));
        return this;
    }

    public T? Get<T>(string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta> =>
        All<T>(ns).FirstOrDefault(o => o.Metadata.Name == name);

    public IReadOnlyList<T> Owned<T>(V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. All<T>(owner.NamespaceProperty ?? "")
            .Where(o => o.Metadata.OwnerReferences?.Any(r => r.Controller == true && r.Uid == owner.Uid) == true)];

    public IReadOnlyList<T> Labelled<T>(string ns, string label, string value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. All<T>(ns).Where(o => o.Metadata.Labels is { } labels && labels.TryGetValue(label, out var has) && has == value)];

    public IReadOnlyList<T> All<T>(string ns) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. _objects.OfType<T>().Where(o => ns.Length == 0 || (o.Metadata.NamespaceProperty ?? "") == ns)
            .OrderBy(o => o.Metadata.Name, StringComparer.Ordinal)];

    public TConfig Config<TConfig>() where TConfig : class => (TConfig)_configs[typeof(TConfig)];

    public Fact<TValue> Fact<TQuery, TValue>(TQuery query) where TQuery : notnull =>
        _facts.TryGetValue(typeof(TQuery), out var answer) ? (Fact<TValue>)answer(query) : Knet.Kube.Facts.Fact<TValue>.Pending.Instance;
}
