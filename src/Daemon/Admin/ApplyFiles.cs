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
        // Other kinds are ready as they are.
        foreach (var one in applied.Where(a => seconds > 0 && a.Type.Group == "serving.knative.dev"))
        {
            var outcome = await new ReadyWait(client, time).RunAsync(
                one.Type, one.Document, TimeSpan.FromSeconds(seconds), context.RequestAborted);
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
}
