using System.Globalization;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Client;
using Knet.Serving.Services;
using Microsoft.AspNetCore.Http;

namespace Knet.Daemon.Admin;

/// <summary><c>knet rollback</c>: one verb for what otherwise takes an edit of <c>spec.traffic</c>.</summary>
internal sealed class Rollbacks(KubeClient client, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var (ns, name) = (query["namespace"].ToString(), query["service"].ToString());
        var to = query["to"].ToString() is { Length: > 0 } wanted ? wanted : null;
        var service = await client.FindAsync<KnService>(ns, name, context.RequestAborted)
            ?? throw new AdminException(404, $"there is no service {name} in namespace {ns} (kubectl get ksvc -A lists them)");
        var revisions = await client.ListAsync<KnRevision>(ns, context.RequestAborted, $"{ServingKeys.Service}={name}");
        var rollback = Decide(service, revisions, to);
        var document = await PatchAsync(service, rollback, context.RequestAborted);
        await context.Response.WriteAsync(Describe(name, rollback, to), context.RequestAborted);
        if (int.TryParse(query["wait"], CultureInfo.InvariantCulture, out var seconds) && seconds > 0)
        {
            var outcome = await new ReadyWait(client, time).RunAsync(
                ResourceType.Of<KnService>(), document, TimeSpan.FromSeconds(seconds), context.RequestAborted);
            await context.Response.WriteAsync(outcome, context.RequestAborted);
        }
    }

    private static Rollback Decide(KnService service, IReadOnlyList<KnRevision> revisions, string? to)
    {
        try
        {
            return Rollback.Decide(service, revisions, to);
        }
        catch (RollbackException e)
        {
            throw new AdminException(409, e.Message);
        }
    }

    // The version is part of the patch: whoever changed the traffic in between is told, not overwritten.
    private async Task<KubeDocument> PatchAsync(KnService service, Rollback rollback, CancellationToken cancellationToken)
    {
        var patch = KubeJson.Serialize(new TrafficPatch(new(service.Metadata.ResourceVersion), new(rollback.Traffic)));
        try
        {
            var request = new KubeRequest(KubeVerb.Patch, ResourceType.Of<KnService>())
            {
                Namespace = service.Metadata.NamespaceProperty, Name = service.Metadata.Name, Patch = PatchKind.Merge, Body = patch,
                FieldManager = client.FieldManager,
            };
            return (await client.Transport.SendAsync(request, cancellationToken)).Document;
        }
        catch (KubeException e)
        {
            throw new AdminException(e.Code, e.Message);
        }
    }

    private static string Describe(string name, Rollback rollback, string? to)
    {
        var before = rollback.From.Count == 0 ? "it did before" : $"before: {string.Join(", ", rollback.From)}";
        return to == Rollback.Latest
            ? $"{name} follows its newest ready revision again: {rollback.To} ({before})\n"
            : $"{name} answers from {rollback.To} ({before})\n"
                + $"New revisions get no traffic until: knet rollback {name} --to {Rollback.Latest}\n";
    }

    private sealed record TrafficPatch(PatchVersion Metadata, PatchTraffic Spec);

    private sealed record PatchVersion(string ResourceVersion);

    private sealed record PatchTraffic(List<TrafficTarget> Traffic);
}
