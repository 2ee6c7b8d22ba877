using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Facts;

namespace Knet.Kube.Controllers;

/// <summary>The view of one reconcile of one key; records what is read.</summary>
internal sealed class ReconcileView(ControllerScope scope, ObjectKey key, DateTimeOffset now) : IView
{
    private readonly HashSet<ReadToken> _reads = [];
    private readonly FactReaders.Reading _facts = scope.Facts.Begin(key);

    public DateTimeOffset Now { get; } = now;

    public T? Get<T>(string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        Record(new ReadToken(ReadKind.Object, typeof(T), ns, name));
        return scope.Informer<T>().Find(ns, name);
    }

    public IReadOnlyList<T> Owned<T>(V1ObjectMeta owner) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var uid = owner.Uid ?? throw new ArgumentException("the owner has no uid: it was not read from the API", nameof(owner));
        Record(new ReadToken(ReadKind.Owned, typeof(T), "", uid));
        return scope.Informer<T>().Owned(uid);
    }

    public IReadOnlyList<T> Labelled<T>(string ns, string label, string value) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        Record(new ReadToken(ReadKind.Labelled, typeof(T), ns, label, value));
        return scope.Informer<T>().Labelled(ns, label, value);
    }

    public IReadOnlyList<T> All<T>(string ns) where T : class, IKubernetesObject<V1ObjectMeta>
    {
        Record(new ReadToken(ReadKind.All, typeof(T), ns));
        return scope.Informer<T>().List(ns);
    }

    public TConfig Config<TConfig>() where TConfig : class
    {
        Record(new ReadToken(ReadKind.Config, typeof(TConfig)));
        return scope.Config<TConfig>();
    }

    public Fact<TValue> Fact<TQuery, TValue>(TQuery query) where TQuery : notnull => _facts.Ask<TQuery, TValue>(query);

    /// <summary>
    /// A child that the plan writes counts as read, so that foreign edits of it wake the key even when the reconciler never looked.
    /// </summary>
    public void NoteChild(PlanStep step)
    {
        if (step is ApplyStep or CreateStep or EnsureStep && step.Key.Name.Length > 0 && scope.FindFollowed(step.Type) is { } type)
        {
            Record(new ReadToken(ReadKind.Object, type, step.Key.Namespace, step.Key.Name));
        }
    }

    /// <summary>The reconcile has ended: what it read now is what wakes the key from here on.</summary>
    public void Commit()
    {
        scope.Dependencies.Commit(key, _reads);
        _facts.Commit();
    }

    private void Record(ReadToken token)
    {
        if (_reads.Add(token))
        {
            scope.Dependencies.Record(key, token);
        }
    }
}
