using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.Daemon.Admin;

/// <summary><c>knet apply</c>: server-side apply of the documents of a YAML file, and waiting until they are Ready.</summary>
internal sealed class ApplyFiles(KubeClient client, IRegistry registry, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var text = await reader.ReadToEndAsync(context.RequestAborted);
        var applied = new List<(ResourceType Type, KubeDocument Document)>();
        foreach (var value in Documents(text))
        {
            applied.Add(await ApplyAsync(value, context.Request.Query["namespace"].ToString(), context.RequestAborted));
            await context.Response.WriteAsync($"{Name(applied[^1])} applied\n", context.RequestAborted);
        }

        var seconds = int.TryParse(context.Request.Query["wait"], CultureInfo.InvariantCulture, out var wait) ? wait : 0;
        foreach (var one in applied.Where(_ => seconds > 0))
        {
            var outcome = await WaitAsync(one.Type, one.Document, TimeSpan.FromSeconds(seconds), context.RequestAborted);
            await context.Response.WriteAsync(outcome, context.RequestAborted);
        }
    }

    private static string Name((ResourceType Type, KubeDocument Document) one) => $"{one.Type.GroupResource}/{one.Document.Metadata.Name}";

    private static IEnumerable<JsonObject> Documents(string text)
    {
        foreach (var document in text.Split("\n---").Select(d => d.TrimStart('-').Trim()).Where(d => d.Length > 0))
        {
            yield return JsonNode.Parse(YamlBody.ToJson(Encoding.UTF8.GetBytes(document))) as JsonObject
                ?? throw new AdminException(400, "a document of the file is no object: it needs apiVersion, kind and metadata");
        }
    }

    private async Task<(ResourceType, KubeDocument)> ApplyAsync(JsonObject value, string ns, CancellationToken cancellationToken)
    {
        var (apiVersion, kind) = ((string?)value["apiVersion"] ?? "", (string?)value["kind"] ?? "");
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        var info = registry.Kinds.FindKind(slash < 0 ? "" : apiVersion[..slash], apiVersion[(slash + 1)..], kind)
            ?? throw new AdminException(400, $"no kind \"{kind}\" in version \"{apiVersion}\": check both, or apply its CRD first");
        var metadata = value["metadata"] as JsonObject ?? throw new AdminException(400, $"a {kind} of the file has no metadata");
        var own = info.Type.Namespaced ? (string?)metadata["namespace"] ?? ns : "";
        try
        {
            var result = await client.Transport.SendAsync(
                new KubeRequest(KubeVerb.Patch, info.Type)
                {
                    Namespace = own, Name = (string?)metadata["name"] ?? "", Patch = PatchKind.Apply, Force = true,
                    FieldManager = client.FieldManager,
                    FieldValidation = "Strict", Body = Encoding.UTF8.GetBytes(value.ToJsonString()),
                },
                cancellationToken);
            return (info.Type, result.Document);
        }
        catch (KubeException e)
        {
            throw new AdminException(e.Code, e.Message);
        }
    }

    /// <summary>Follows the object until its Ready condition is decided for its generation; kinds without one are ready as they are.</summary>
    private async Task<string> WaitAsync(ResourceType type, KubeDocument document, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (type.Group != "serving.knative.dev")
        {
            return "";
        }

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
                var observed = (long?)status?["observedGeneration"] == change.Document.Metadata.Generation;
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
