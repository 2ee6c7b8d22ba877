using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Daemon.Admin;

/// <summary>Follows an object until its Ready condition is decided for its generation.</summary>
internal sealed class ReadyWait(KubeClient client, TimeProvider time)
{
    /// <summary>One line for the user: ready and where, or what is still missing when the time is over.</summary>
    public async Task<string> RunAsync(ResourceType type, KubeDocument document, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var last = "it reported nothing";
        var request = new KubeRequest(KubeVerb.List, type)
        {
            Namespace = document.Key.Namespace, FieldSelector = $"metadata.name={document.Key.Name}", SendInitialEvents = true, AllowBookmarks = true,
            ResourceVersionMatch = "NotOlderThan",
        };
        try
        {
            await foreach (var change in client.Transport.WatchAsync(request, both.Token))
            {
                if (change.Type == WatchEventType.Bookmark)
                {
                    continue;
                }

                var status = JsonNode.Parse(change.Document.Json.Span)!["status"];
                var ready = status?["conditions"]?.AsArray().FirstOrDefault(c => (string?)c!["type"] == "Ready");
                var observed = (long?)status?["observedGeneration"] >= document.Metadata.Generation;
                last = (string?)ready?["message"] ?? last;
                if (observed && (string?)ready!["status"] == "True")
                {
                    return $"{document.Key.Name} is ready at {(string?)status!["url"]}\n";
                }
            }
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested)
        {
            // Told below.
        }

        return $"{document.Key.Name} is not ready after {limit.TotalSeconds:0} s: {last}\n";
    }
}
