using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Selectors;
using Knet.ApiServer.Storage;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Watches: the store's events as one client sees them through its selectors.</summary>
internal sealed class Watches(RegistryParts parts)
{
    // Kubernetes sends a bookmark about once a minute.
    private static readonly TimeSpan BookmarkPeriod = TimeSpan.FromMinutes(1);

    public async IAsyncEnumerable<KubeWatchEvent> WatchAsync(
        KindInfo kind, KubeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hub = parts.Kinds.HubOf(kind);
        var view = new WatchView(
            kind, hub, LabelSelector.Parse(request.LabelSelector), FieldSelector.Parse(request.FieldSelector, hub.Type), parts);
        var (initial, watch) = Start(KindSource.TableOf(hub.Type), kind, request);
        using var ending = watch;
        using var timer = request.AllowBookmarks
            ? parts.Time.CreateTimer(_ => parts.Store.Bookmark(watch), null, BookmarkPeriod, BookmarkPeriod)
            : null;
        if (initial is not null)
        {
            foreach (var stored in initial.Range(watch.Namespace))
            {
                if (view.Matches(stored))
                {
                    yield return new KubeWatchEvent(WatchEventType.Added, parts.View(kind, hub, stored));
                }
            }

            if (request is { SendInitialEvents: true, AllowBookmarks: true })
            {
                yield return view.Bookmark(initial.Revision, endsInitial: true);
            }
        }

        while (await watch.WaitAsync(cancellationToken))
        {
            while (watch.TryRead(out var change))
            {
                if (view.Show(change) is { } shown)
                {
                    yield return shown;
                }
            }
        }
    }

    private (TableSnapshot? Initial, StoreWatch Watch) Start(string table, KindInfo kind, KubeRequest request)
    {
        var ns = kind.Type.Namespaced ? request.Namespace : "";
        var revision = Revisions.Parse(request.ResourceVersion) ?? 0;
        if (revision != 0 && !request.SendInitialEvents)
        {
            return (null, parts.Store.Watch(table, ns, revision));
        }

        var (snapshot, watch) = parts.Store.WatchFromNow(table, ns);
        return (snapshot, watch);
    }
}

/// <summary>What one watch shows of each change.</summary>
internal sealed class WatchView(KindInfo kind, KindInfo hub, LabelSelector labels, FieldSelector fields, RegistryParts parts)
{
    public bool Matches(StoredObject stored) =>
        (fields.IsEmpty || fields.Matches(stored.Key, stored.Document))
        && (labels.IsEmpty || labels.Matches(stored.Document.Metadata.Labels));

    /// <summary>
    /// The event as this client sees it, or null: an object that begins to match was added, one that ceases to match was deleted.
    /// </summary>
    public KubeWatchEvent? Show(StoreEvent change)
    {
        if (change.Type == WatchEventType.Bookmark)
        {
            return Bookmark(change.Revision, endsInitial: false);
        }

        var before = change.Before is { } old && Matches(old);
        var now = change.Type != WatchEventType.Deleted && Matches(change.Object!);
        return (before, now) switch
        {
            (false, true) => Event(WatchEventType.Added, change.Object!),
            (true, true) => Event(WatchEventType.Modified, change.Object!),
            (true, false) when change.Type == WatchEventType.Deleted => Event(WatchEventType.Deleted, change.Object!),
            (true, false) => Event(WatchEventType.Deleted, change.Before!.At(change.Revision)),
            _ => null,
        };
    }

    public KubeWatchEvent Bookmark(long revision, bool endsInitial)
    {
        var metadata = new JsonObject();
        if (endsInitial)
        {
            metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        }

        var value = new JsonObject { ["kind"] = kind.Type.Kind, ["apiVersion"] = kind.Type.ApiVersion, ["metadata"] = metadata };
        return new KubeWatchEvent(WatchEventType.Bookmark, ObjectBodies.Encode(value, revision));
    }

    private KubeWatchEvent Event(WatchEventType type, StoredObject stored) => new(type, parts.View(kind, hub, stored));
}
