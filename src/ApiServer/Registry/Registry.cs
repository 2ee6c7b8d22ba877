using System.Runtime.CompilerServices;
using Knet.ApiServer.Metrics;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Authorises every request and hands it to its verb.</summary>
public sealed class Registry : IRegistry
{
    private readonly RegistryParts _parts;
    private readonly Reads _reads;
    private readonly Watches _watches;
    private readonly Creations _creations;
    private readonly Updates _updates;
    private readonly Deletions _deletions;
    private readonly Scales _scales;
    private readonly PodSubresources _pods;

    internal Registry(RegistryParts parts)
    {
        var pipeline = new WritePipeline(parts);
        _parts = parts;
        _reads = new Reads(parts);
        _watches = new Watches(parts);
        _creations = new Creations(parts, pipeline);
        _updates = new Updates(parts, pipeline, _creations);
        _deletions = new Deletions(parts, pipeline, _reads);
        _scales = new Scales(parts, _updates);
        _pods = new PodSubresources(parts, _updates, _deletions);
    }

    public KindCatalog Kinds => _parts.Kinds.Catalog;

    public async Task<KubeResult> SendAsync(KubeRequest request, KubeUser user, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var kind = _parts.KindOf(request.Type);
        var subresource = request.Subresource;
        if (subresource.Length > 0 && !kind.Subresources.ContainsKey(subresource))
        {
            throw Refusals.NotServed();
        }

        _parts.Authorize(user, VerbOf(request.Verb), kind.Type, subresource, request.Namespace, request.Name);
        if ((kind.IsVirtual || kind.IsReadOnly) && !kind.Verbs.Contains(VerbOf(request.Verb)))
        {
            throw kind.IsReadOnly ? Refusals.NotRun(kind.Type) : Refusals.MethodNotAllowed(VerbOf(request.Verb));
        }

        return request.Verb switch
        {
            KubeVerb.Get when kind.Type.Group == MetricsApi.Group => new KubeResult(await Metrics.GetAsync(request, cancellationToken), 200, []),
            KubeVerb.Get when subresource == "scale" => _scales.Get(kind, request),
            KubeVerb.Get when subresource is "" or "status" && !kind.IsVirtual => _reads.Get(kind, request),
            KubeVerb.Create when kind.IsVirtual || subresource == "token" =>
                await AnswerAsync(request, user),
            KubeVerb.Create when subresource.Length == 0 => await _creations.CreateAsync(kind, request, user),
            KubeVerb.Create when subresource == "binding" => await _pods.BindAsync(kind, request, user),
            KubeVerb.Create when subresource == "eviction" => await _pods.EvictAsync(kind, request, user),
            KubeVerb.Update or KubeVerb.Patch when subresource == "scale" => await _scales.ChangeAsync(kind, request, user),
            KubeVerb.Update when subresource is "" or "status" or "finalize" => await _updates.UpdateAsync(kind, request, user),
            KubeVerb.Patch when subresource is "" or "status" => await _updates.PatchAsync(kind, request, user),
            KubeVerb.Delete when subresource.Length == 0 => await _deletions.DeleteAsync(kind, request, user),
            KubeVerb.DeleteCollection when subresource.Length == 0 => await _deletions.DeleteCollectionAsync(kind, request, user),
            _ => throw Refusals.MethodNotAllowed(VerbOf(request.Verb)),
        };
    }

    private MetricsApi Metrics => _parts.Metrics ?? throw KubeException.Of(
        503, "ServiceUnavailable", "the server is currently unable to handle the request: no node tells what its pods use");

    public Task<KubeListPage> ListAsync(KubeRequest request, KubeUser user, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var kind = Listed(request, user, "list");
        return kind.Type.Group == MetricsApi.Group ? Metrics.ListAsync(request, cancellationToken) : Task.FromResult(_reads.List(kind, request));
    }

    public async IAsyncEnumerable<KubeWatchEvent> WatchAsync(
        KubeRequest request, KubeUser user, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var kind = Listed(request, user, "watch");
        await foreach (var change in _watches.WatchAsync(kind, request, cancellationToken))
        {
            yield return change;
        }
    }

    private async Task<KubeResult> AnswerAsync(KubeRequest request, KubeUser user) =>
        _parts.VirtualKinds is { } answers && await answers(request, user) is { } answer
            ? new KubeResult(answer, 201, [])
            : throw Refusals.NotServed();

    private static string VerbOf(KubeVerb verb) => verb switch
    {
        KubeVerb.Get => "get",
        KubeVerb.List => "list",
        KubeVerb.Create => "create",
        KubeVerb.Update => "update",
        KubeVerb.Patch => "patch",
        KubeVerb.Delete => "delete",
        _ => "deletecollection",
    };

    private KindInfo Listed(KubeRequest request, KubeUser user, string verb)
    {
        var kind = _parts.KindOf(request.Type);
        if (kind.IsVirtual && !kind.Verbs.Contains(verb))
        {
            throw Refusals.MethodNotAllowed(verb);
        }

        ListRules.Check(request, isWatch: verb == "watch");

        // A list of one name may be allowed by a rule for that name.
        var name = Selectors.FieldSelector.Parse(request.FieldSelector, _parts.Kinds.HubOf(kind).Type).Name ?? "";
        _parts.Authorize(user, verb, kind.Type, "", request.Namespace, name);
        return kind;
    }
}
