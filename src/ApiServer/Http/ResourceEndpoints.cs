using Knet.ApiServer.Http.Tables;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>The verbs on resources: HTTP to <see cref="KubeRequest"/> and the answer back.</summary>
internal sealed class ResourceEndpoints(IRegistry registry, ApiHttpOptions options, TimeProvider time)
{
    private readonly RequestBodies _bodies = new(options.MaxBodyBytes);
    private readonly WatchStreams _watches = new(registry, options, time);

    /// <exception cref="KubeException">The request is refused.</exception>
    public async Task HandleAsync(HttpContext context, ApiRoute route, KubeUser user)
    {
        var kind = registry.Kinds.Find(route.Group, route.Version, route.Resource) ?? throw Refusals.NotServed();
        if ((route.Namespace.Length > 0 && !kind.Type.Namespaced)
            || (route.Subresource.Length > 0 && !kind.Subresources.ContainsKey(route.Subresource)))
        {
            throw Refusals.NotServed();
        }

        var form = MediaRange.Choose(context.Request.Headers.Accept)
            ?? throw KubeException.Of(406, "NotAcceptable", "only the following media types are accepted: application/json");
        if (kind.DeprecationWarning is { } deprecation)
        {
            Warn(context, [deprecation]);
        }

        await (context.Request.Method switch
        {
            "GET" or "HEAD" => ReadAsync(context, kind, route, user, form),
            "POST" => WriteAsync(context, kind, KubeVerb.Create, route, user, form),
            "PUT" => WriteAsync(context, kind, KubeVerb.Update, route, user, form),
            "PATCH" => WriteAsync(context, kind, KubeVerb.Patch, route, user, form),
            "DELETE" => DeleteAsync(context, kind, route, user, form),
            var method => throw Refusals.MethodNotAllowed(method),
        });
    }

    private async Task ReadAsync(HttpContext context, KindInfo kind, ApiRoute route, KubeUser user, AnswerForm form)
    {
        var isWatch = RequestOptions.Flag(context.Request, "watch");
        if (route.Name.Length > 0 && !isWatch)
        {
            var request = RequestOptions.For(kind, KubeVerb.Get, route, context.Request);
            var result = await registry.SendAsync(request, user, context.RequestAborted);
            await WriteObjectAsync(context, kind, route, result, form);
            return;
        }

        var list = RequestOptions.For(kind, KubeVerb.List, route, context.Request);
        if (route.Name.Length > 0)
        {
            list = list with { Name = "", FieldSelector = $"metadata.name={route.Name}" };
        }

        if (isWatch)
        {
            await _watches.RunAsync(context, kind, list, user, form);
            return;
        }

        if (!kind.Verbs.Contains("list"))
        {
            throw Refusals.MethodNotAllowed("list");
        }

        var page = await registry.ListAsync(list, user, context.RequestAborted);
        await Answers.JsonAsync(context, 200, form switch
        {
            AnswerForm.Table => Table(context, kind).Page(page),
            AnswerForm.Metadata => Lists.Metadata(page),
            _ => Lists.Full(kind, page),
        });
    }

    private async Task WriteAsync(HttpContext context, KindInfo kind, KubeVerb verb, ApiRoute route, KubeUser user, AnswerForm form)
    {
        var request = RequestOptions.For(kind, verb, route, context.Request);
        if (verb == KubeVerb.Patch)
        {
            request = request with { Patch = PatchKindOf(context, kind) };
            if (request.Patch == PatchKind.Apply && RequestOptions.Text(context.Request, "fieldManager") is null or "")
            {
                throw KubeException.Of(
                    422, "Invalid", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
            }

            if (request.Patch == PatchKind.Strategic && kind.IsCustom)
            {
                throw Refusals.UnsupportedPatch(isCustom: true);
            }
        }
        else if (verb == KubeVerb.Update && route.Name.Length == 0)
        {
            throw Refusals.MethodNotAllowed("update");
        }

        if (verb == KubeVerb.Create && route is { Name.Length: > 0, Subresource.Length: 0 })
        {
            throw Refusals.MethodNotAllowed("create");
        }

        var body = await _bodies.ReadAsync(context);
        if (body.Length == 0)
        {
            throw Refusals.NoBody();
        }

        var (resolved, duplicates) = DuplicateFields.Resolve(body);
        var result = await registry.SendAsync(request with { Body = resolved, DuplicateFields = duplicates }, user, context.RequestAborted);
        await WriteObjectAsync(context, kind, route, result, form);
    }

    private async Task DeleteAsync(HttpContext context, KindInfo kind, ApiRoute route, KubeUser user, AnswerForm form)
    {
        var verb = route.Name.Length > 0 ? KubeVerb.Delete : KubeVerb.DeleteCollection;
        if (!kind.Verbs.Contains(verb == KubeVerb.Delete ? "delete" : "deletecollection"))
        {
            throw Refusals.MethodNotAllowed("delete");
        }

        var deletion = RequestOptions.DeleteOptions(context.Request, await _bodies.ReadAsync(context));
        var request = RequestOptions.For(kind, verb, route, context.Request);
        request = request with { DeleteOptions = deletion, DryRun = request.DryRun || RequestOptions.DryRun(deletion) };
        var result = await registry.SendAsync(request, user, context.RequestAborted);
        Warn(context, result.Warnings ?? []);
        // A deletion that is complete answers with a Status, which has no table.
        await Answers.JsonAsync(context, result.Code, result.Document.Json);
    }

    private async Task WriteObjectAsync(HttpContext context, KindInfo kind, ApiRoute route, KubeResult result, AnswerForm form)
    {
        Warn(context, result.Warnings ?? []);
        var isOwnKind = route.Subresource is "" or "status";
        await Answers.JsonAsync(context, result.Code, isOwnKind && !kind.IsVirtual ? form switch
        {
            AnswerForm.Table => Table(context, kind).Single(result.Document),
            AnswerForm.Metadata => Lists.Metadata(result.Document),
            _ => result.Document.Json,
        } : result.Document.Json);
    }

    private TableWriter Table(HttpContext context, KindInfo kind) => TableWriter.For(context.Request, kind, time);

    private static PatchKind PatchKindOf(HttpContext context, KindInfo kind) => RequestBodies.MediaTypeOf(context) switch
    {
        "application/json-patch+json" => PatchKind.Json,
        "application/merge-patch+json" => PatchKind.Merge,
        "application/strategic-merge-patch+json" => PatchKind.Strategic,
        "application/apply-patch+yaml" => PatchKind.Apply,
        _ => throw Refusals.UnsupportedPatch(kind.IsCustom),
    };

    private static void Warn(HttpContext context, IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
        {
            var text = new string([.. warning.Select(c => char.IsControl(c) ? ' ' : c)])
                .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            context.Response.Headers.Append("Warning", $"299 - \"{text}\"");
        }
    }
}
