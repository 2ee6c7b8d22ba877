using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Kube.Client;
using Knet.Kube.Informers;

namespace Knet.Kube.Controllers;

/// <summary>Carries out the steps of plans for one controller, as its identity, writing only what differs.</summary>
internal sealed class StepExecutor(string controller, KubeClient client, InformerFactory informers)
{
    private static readonly Meter Meter = new("Knet.Kube");
    private static readonly Counter<long> Writes = Meter.CreateCounter<long>(
        "knet_controller_writes_total",
            description: "Requests of controllers that write; compare with reconciles to see writers that fight.");

    private readonly AppliedChildren _applied = new();

    /// <exception cref="KubeException">The step failed.</exception>
    public Task ExecuteAsync(PlanStep step, V1ObjectMeta owner, CancellationToken cancellationToken) => step switch
    {
        ApplyStep apply => ApplyAsync(apply, owner, cancellationToken),
        CreateStep create => CreateAsync(create, cancellationToken),
        EnsureStep ensure => EnsureAsync(ensure, owner, cancellationToken),
        PatchStep patch => PatchAsync(patch, cancellationToken),
        DeleteStep delete => DeleteAsync(delete, owner, cancellationToken),
        _ => throw new InvalidOperationException($"unknown step {step.GetType()}"),
    };

    /// <summary>The owner is gone: nothing is remembered of its children.</summary>
    public void Forget(ObjectKey owner) => _applied.Forget(owner);

    /// <summary>Replaces the status of an object.</summary>
    public Task<KubeDocument> WriteStatusAsync(ResourceType type, ObjectKey key, byte[] body, CancellationToken cancellationToken) =>
        SendAsync(Request(KubeVerb.Update, type, key, "status") with { Body = body }, cancellationToken);

    private async Task ApplyAsync(ApplyStep step, V1ObjectMeta owner, CancellationToken cancellationToken)
    {
        var observed = await ObserveAsync(step, cancellationToken);
        if (observed is not null)
        {
            ThrowIfNotOwned(step, step.Body, observed, owner);
            if (_applied.Holds(KeyOf(owner), step.Type, step.Key, step.Body, observed, exact: false))
            {
                return;
            }
        }

        var request = Request(KubeVerb.Patch, step.Type, step.Key) with { Patch = PatchKind.Apply, Force = true, Body = step.Body };
        _applied.Remember(KeyOf(owner), step.Type, step.Key, step.Body, await SendAsync(request, cancellationToken));
    }

    private async Task CreateAsync(CreateStep step, CancellationToken cancellationToken)
    {
        var wanted = new KubeDocument(step.Body).Metadata;
        var controlledBy = ObjectCache.ControllerOf(wanted);
        var cached = step.Key.Name.Length == 0 ? null : informers.Find(step.Type)?.FindDocument(step.Key);
        if (cached is not null && controlledBy is not null && ObjectCache.ControllerOf(cached.Metadata) == controlledBy)
        {
            return;
        }

        try
        {
            await SendAsync(Request(KubeVerb.Create, step.Type, step.Key with { Name = "" }) with { Body = step.Body }, cancellationToken);
        }
        catch (KubeException e) when (e.IsAlreadyExists && step.Key.Name.Length > 0)
        {
            var existing = await GetAsync(step, cancellationToken);
            if (existing is null || ObjectCache.ControllerOf(existing.Metadata) != controlledBy)
            {
                throw;
            }
        }
    }

    private async Task EnsureAsync(EnsureStep step, V1ObjectMeta owner, CancellationToken cancellationToken)
    {
        var observed = await ObserveAsync(step, cancellationToken);
        if (observed is null)
        {
            try
            {
                var create = Request(KubeVerb.Create, step.Type, step.Key with { Name = "" }) with { Body = step.Body };
                _applied.Remember(KeyOf(owner), step.Type, step.Key, step.Body, await SendAsync(create, cancellationToken));
                return;
            }
            catch (KubeException e) when (e.IsAlreadyExists)
            {
                observed = await GetAsync(step, cancellationToken) ?? throw KubeException.Of(409, "Conflict", e.Message, null, e);
            }
        }

        ThrowIfNotOwned(step, step.Body, observed, owner);
        if (_applied.Holds(KeyOf(owner), step.Type, step.Key, step.Body, observed, exact: true) || AlreadyEqual(step.Body, observed))
        {
            return;
        }

        var request = Request(KubeVerb.Update, step.Type, step.Key) with { Body = Replace(step.Body, observed) };
        _applied.Remember(KeyOf(owner), step.Type, step.Key, step.Body, await SendAsync(request, cancellationToken));
    }

    private Task<KubeDocument> PatchAsync(PatchStep step, CancellationToken cancellationToken) =>
        SendAsync(
            Request(KubeVerb.Patch, step.Type, step.Key, step.Subresource) with
            {
                Patch = step.Kind,
                Body = step.Body,
                Force = step.Kind == PatchKind.Apply,
            }, cancellationToken);

    private async Task DeleteAsync(DeleteStep step, V1ObjectMeta owner, CancellationToken cancellationToken)
    {
        _applied.Forget(KeyOf(owner), step.Type, step.Key);
        var options = new V1DeleteOptions
        {
            PropagationPolicy = step.Propagation,
            GracePeriodSeconds = step.GraceSeconds,
            Preconditions = string.IsNullOrEmpty(step.Uid) ? null : new V1Preconditions { Uid = step.Uid },
        };
        try
        {
            await SendAsync(Request(KubeVerb.Delete, step.Type, step.Key) with { DeleteOptions = options }, cancellationToken);
        }
        catch (KubeException e) when (e.IsNotFound || (e.IsConflict && step.Uid is not null))
        {
            // Gone, or another object has its name by now: what was to be deleted is not there.
        }
    }

    private static ObjectKey KeyOf(V1ObjectMeta owner) => new(owner.NamespaceProperty ?? "", owner.Name);

    private static bool AlreadyEqual(ReadOnlyMemory<byte> body, KubeDocument observed)
    {
        using var want = JsonDocument.Parse(body);
        using var have = JsonDocument.Parse(observed.Json);
        return AppliedChildren.ReplacedPartsEqual(want.RootElement, have.RootElement);
    }

    // The observed object (its metadata, status and resource version) with everything else as wanted.
    private static byte[] Replace(ReadOnlyMemory<byte> body, KubeDocument observed)
    {
        var result = JsonNode.Parse(observed.Json.Span)!.AsObject();
        var want = JsonNode.Parse(body.Span)!.AsObject();
        foreach (var name in result.Select(m => m.Key).Union(want.Select(m => m.Key)).ToList())
        {
            if (name is not ("apiVersion" or "kind" or "metadata" or "status"))
            {
                Move(want, result, name);
            }
        }

        var (metadata, wanted) = (result["metadata"]!.AsObject(), want["metadata"]!.AsObject());
        Move(wanted, metadata, "labels");
        Move(wanted, metadata, "annotations");
        if (wanted.ContainsKey("ownerReferences"))
        {
            Move(wanted, metadata, "ownerReferences");
        }

        return KubeJson.Serialize(result);

        static void Move(JsonObject from, JsonObject to, string name)
        {
            from.Remove(name, out var value);
            to.Remove(name);
            if (value is not null)
            {
                to[name] = value;
            }
        }
    }

    private static void ThrowIfNotOwned(PlanStep step, ReadOnlyMemory<byte> body, KubeDocument observed, V1ObjectMeta owner)
    {
        var wanted = ObjectCache.ControllerOf(new KubeDocument(body).Metadata);
        if (wanted is not null && ObjectCache.ControllerOf(observed.Metadata) != wanted)
        {
            throw KubeException.Of(409, "NotOwned", $"{owner.Name} does not own {step.Type.Kind}: {step.Key.Name}");
        }
    }

    private async Task<KubeDocument?> ObserveAsync(PlanStep step, CancellationToken cancellationToken) =>
        informers.Find(step.Type) is { HasSynced: true } informer ? informer.FindDocument(step.Key)
            : await GetAsync(step, cancellationToken);

    private async Task<KubeDocument?> GetAsync(PlanStep step, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.Transport.SendAsync(Request(KubeVerb.Get, step.Type, step.Key), cancellationToken)).Document;
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task<KubeDocument> SendAsync(KubeRequest request, CancellationToken cancellationToken)
    {
        Writes.Add(1, new("controller", controller), new("resource", request.Type.GroupResource), new("subresource", request.Subresource));
        var result = await client.Transport.SendAsync(request, cancellationToken);
        if (request.Verb != KubeVerb.Delete && request.Subresource is "" or "status")
        {
            informers.Find(request.Type)?.Offer(result.Document);
        }

        return result.Document;
    }

    private KubeRequest Request(KubeVerb verb, ResourceType type, ObjectKey key, string subresource = "") => new(verb, type)
    {
        Namespace = key.Namespace, Name = key.Name, Subresource = subresource, FieldManager = client.FieldManager,
    };
}
