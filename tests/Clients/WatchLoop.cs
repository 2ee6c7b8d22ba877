using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Knet.Tests.Clients;

/// <summary>
/// Lists once, then watches for good: a stream that ends or is cut is taken up again at the last version seen, as every informer does;
/// only a version that the server has forgotten (410) means a new list.
/// </summary>
/// <param name="streamSeconds">How long the server may let one stream live.</param>
/// <param name="cut">After how long the client hangs up by itself, in the middle of the stream.</param>
internal sealed class WatchLoop(
    IKubernetes client, string ns, Expectations expected, Counters counters, int streamSeconds, TimeSpan cut, TimeProvider time)
{
    private string? _version;

    public async Task ListAsync(CancellationToken cancellationToken)
    {
        var list = await client.CoreV1.ListNamespacedConfigMapAsync(ns, cancellationToken: cancellationToken);
        _version = list.Metadata.ResourceVersion;
        Interlocked.Increment(ref counters.Lists);
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var hangUp = new CancellationTokenSource(cut, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, hangUp.Token);
                await FollowAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                // We hung up ourselves.
            }
            catch (KubernetesException e) when (e.Status?.Code == (int)HttpStatusCode.Gone)
            {
                await AgainAsync(stop);
            }
            catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.Gone)
            {
                await AgainAsync(stop);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or HttpOperationException or KubernetesException)
            {
                counters.Fail("watch", e);
                await Task.Delay(TimeSpan.FromSeconds(1), time, CancellationToken.None);
            }

            Interlocked.Increment(ref counters.Reconnects);
        }
    }

    private async Task AgainAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref counters.Expired);
        await ListAsync(cancellationToken);
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        var stream = client.CoreV1.WatchListNamespacedConfigMapAsync(
            ns, allowWatchBookmarks: true, resourceVersion: _version, timeoutSeconds: streamSeconds, onError: e => throw e,
            cancellationToken: cancellationToken);
        await foreach (var (kind, map) in stream)
        {
            _version = map.Metadata.ResourceVersion;
            if (kind == WatchEventType.Bookmark)
            {
                Interlocked.Increment(ref counters.Bookmarks);
            }
            else if (map.Data?.ContainsKey(Expectations.Number) == true)
            {
                Interlocked.Increment(ref counters.Events);
                expected.Saw(map, kind == WatchEventType.Deleted);
            }
        }
    }
}
