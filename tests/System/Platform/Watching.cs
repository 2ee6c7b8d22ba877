using System.Text;
using k8s;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using WatchEventType = Knet.Kube.Client.WatchEventType;

namespace Knet.Tests.System.Platform;

/// <summary>Waits for conditions by watching the objects they are about.</summary>
internal static class Watching
{
    /// <summary>Far beyond what anything takes here, even on a busy machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Waits until an object exists and fulfils a condition.</summary>
    /// <exception cref="TimeoutException">It did not; the message shows it as it was last.</exception>
    public static async Task<T> UntilAsync<T>(this KubeClient client, string ns, string name, Func<T, bool> condition)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        T? found = null;
        await FollowAsync<T>(client, ns, name, $"{typeof(T).Name} {ns}/{name} to be as expected", objects =>
        {
            found = objects.FirstOrDefault()?.As<T>();
            return found is not null && condition(found);
        });
        return found!;
    }

    /// <summary>Waits until the objects of a namespace together fulfil a condition.</summary>
    /// <exception cref="TimeoutException">They did not; the message shows them as they were last.</exception>
    public static async Task<IReadOnlyList<T>> UntilAllAsync<T>(this KubeClient client, string ns, Func<IReadOnlyList<T>, bool> condition)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        IReadOnlyList<T> found = [];
        await FollowAsync<T>(client, ns, null, $"every {typeof(T).Name} of {ns} to be as expected", objects =>
        {
            found = [.. objects.Select(d => d.As<T>())];
            return condition(found);
        });
        return found;
    }

    /// <summary>Waits until an object does not exist.</summary>
    public static Task UntilGoneAsync<T>(this KubeClient client, string ns, string name) where T : class, IKubernetesObject<V1ObjectMeta> =>
        FollowAsync<T>(client, ns, name, $"{typeof(T).Name} {ns}/{name} to go", objects => objects.Count == 0);

    /// <summary>Reads, changes and writes, again when somebody else wrote meanwhile.</summary>
    public static async Task<T> RetriedUpdateAsync<T>(this KubeClient client, string ns, string name, Func<T, T> change)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        while (true)
        {
            try
            {
                return await client.UpdateAsync(change(await client.GetAsync<T>(ns, name, CancellationToken.None)), CancellationToken.None);
            }
            catch (KubeException e) when (e.IsConflict)
            {
                // A controller was first.
            }
        }
    }

    private static async Task FollowAsync<T>(
        KubeClient client, string ns, string? name, string what, Func<IReadOnlyCollection<KubeDocument>, bool> condition)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var request = new KubeRequest(KubeVerb.List, ResourceType.Of<T>())
        {
            Namespace = ns, FieldSelector = name is null ? null : $"metadata.name={name}",
            SendInitialEvents = true, AllowBookmarks = true, ResourceVersionMatch = "NotOlderThan",
        };
        var known = new Dictionary<ObjectKey, KubeDocument>();
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        try
        {
            var complete = false;
            await foreach (var (kind, document) in client.Transport.WatchAsync(request, limit.Token))
            {
                switch (kind)
                {
                    case WatchEventType.Bookmark:
                        complete = true;
                        break;
                    case WatchEventType.Deleted:
                        known.Remove(document.Key);
                        break;
                    default:
                        known[document.Key] = document;
                        break;
                }

                if (complete && condition(known.Values))
                {
                    return;
                }
            }

            throw new TimeoutException($"the watch ended while waiting for {what}: {Show(known.Values)}");
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"waited {Limit.TotalSeconds} s for {what}: {Show(known.Values)}", e);
        }
    }

    private static string Show(IEnumerable<KubeDocument> objects) =>
        string.Join('\n', objects.Select(d => Encoding.UTF8.GetString(d.Json.Span)).DefaultIfEmpty("there is none"));
}
