using k8s;
using k8s.Models;
using Knet.Kube.Controllers;
using Knet.Kube.Facts;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>A view of a handful of objects.</summary>
internal sealed class FakeView(params IKubernetesObject<V1ObjectMeta>[] objects) : IView
{
    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public T? Get<T>(string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta> =>
        All<T>(ns).FirstOrDefault(o => o.Metadata.Name == name);

    public IReadOnlyList<T> Owned<T>(V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. All<T>("").Where(o => o.Metadata.OwnerReferences?.Any(r => r.Controller == true && r.Uid == owner.Uid) == true)];

    public IReadOnlyList<T> Labelled<T>(string ns, string label, string value) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. All<T>(ns).Where(o => o.Metadata.Labels?.TryGetValue(label, out var have) == true && have == value)];

    public IReadOnlyList<T> All<T>(string ns) where T : class, IKubernetesObject<V1ObjectMeta> =>
        [.. objects.OfType<T>().Where(o => ns.Length == 0 || o.Metadata.NamespaceProperty == ns).OrderBy(o => o.Metadata.Name)];

    public TConfig Config<TConfig>() where TConfig : class => throw new NotSupportedException("no configuration here");

    public Fact<TValue> Fact<TQuery, TValue>(TQuery query) where TQuery : notnull => throw new NotSupportedException("no facts here");
}
