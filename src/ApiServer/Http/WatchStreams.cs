using System.Buffers;
using System.Runtime.CompilerServices;
using Knet.Api.Meta;
using Knet.ApiServer.Http.Tables;
using Knet.ApiServer.Http.Wire;
using Knet.ApiServer.Registry;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>Watches: one JSON object per event, written out at once.</summary>
internal sealed class WatchStreams(IRegistry registry, ApiHttpOptions options, TimeProvider time)
{
    // Events that are there at the same moment (the first ones of a watch, most of all) go together, up to so many bytes.
    private const int FlushBytes = 32 * 1024;

    // By the document, of which all watches of a kind share one: what one watch encoded the others send, too.
    private static readonly ConditionalWeakTable<KubeDocument, StrongBox<ReadOnlyMemory<byte>>> Partial = new();

    private int _open;

    /// <summary>Runs until the client leaves, the registry ends the watch, or its time is over.</summary>
    /// <exception cref="KubeException">The watch was refused before anything was sent.</exception>
    public async Task RunAsync(HttpContext context, KindInfo kind, KubeRequest request, KubeUser user, AnswerForm form)
    {
        if (!kind.Verbs.Contains("watch"))
        {
            throw Refusals.MethodNotAllowed("watch");
        }

        if (Interlocked.Increment(ref _open) > options.WatchesMax)
        {
            Interlocked.Decrement(ref _open);
            throw Refusals.TooManyRequests(
                $"Too many requests, please try again later: {options.WatchesMax} watches are open (the limit \"watches\")", retryAfterSeconds: 1);
        }

        try
        {
            await StreamAsync(context, kind, request, user, form);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task StreamAsync(HttpContext context, KindInfo kind, KubeRequest request, KubeUser user, AnswerForm form)
    {
        using var end = new CancellationTokenSource(Lifetime(context), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end.Token, context.RequestAborted);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await using var events = registry.WatchAsync(request, user, both.Token).GetAsyncEnumerator(both.Token);
        var next = events.MoveNextAsync().AsTask();
        if (next.IsFaulted)
        {
            // Refused at once: an ordinary Status answer.
            await next;
        }

        context.Response.ContentType = "application/json";
        var table = form == AnswerForm.Table ? TableWriter.For(context.Request, kind, time) : null;
        try
        {
            if (!next.IsCompleted)
            {
                // The client waits for the headers, however long the first event takes.
                await context.Response.StartAsync(both.Token);
                await context.Response.BodyWriter.FlushAsync(both.Token);
            }

            var unsent = 0;
            while (await next)
            {
                unsent += WriteEvent(context.Response.BodyWriter, events.Current, form, table);
                next = events.MoveNextAsync().AsTask();
                if (!next.IsCompleted || unsent > FlushBytes)
                {
                    unsent = 0;
                    await context.Response.BodyWriter.FlushAsync(both.Token);
                }
            }
        }
        catch (OperationCanceledException) when (both.IsCancellationRequested)
        {
            await SettleAsync(next);
        }
        catch (KubeException refusal)
        {
            Write(context.Response.BodyWriter, "ERROR", KubeJson.Serialize(refusal.Status));
            await context.Response.BodyWriter.FlushAsync(CancellationToken.None);
        }
    }

    // The enumerator may only be disposed when its last step is over.
    private static async Task SettleAsync(Task<bool> next)
    {
        if (next.IsCompleted)
        {
            return;
        }

        try
        {
            await next;
        }
        catch (OperationCanceledException)
        {
            // It was asked to.
            return;
        }
    }

    private TimeSpan Lifetime(HttpContext context)
    {
        if (RequestOptions.Number(context.Request, "timeoutSeconds") is { } seconds and > 0)
        {
            return TimeSpan.FromSeconds(seconds);
        }

        // Spread, so that watches begun together do not all come back together.
        return options.MinWatchTimeout * (1 + Random.Shared.NextDouble());
    }

    private static int WriteEvent(IBufferWriter<byte> output, KubeWatchEvent change, AnswerForm form, TableWriter? table)
    {
        var type = change.Type switch
        {
            WatchEventType.Added => "ADDED",
            WatchEventType.Modified => "MODIFIED",
            WatchEventType.Deleted => "DELETED",
            _ => "BOOKMARK",
        };
        var value = form switch
        {
            AnswerForm.Table => table!.Event(change.Document, isBookmark: change.Type == WatchEventType.Bookmark).Span,
            AnswerForm.Metadata => Partial.GetValue(change.Document, static d => new(Lists.Metadata(d))).Value.Span,
            _ => change.Document.Json.Span,
        };
        Write(output, type, value);
        return value.Length;
    }

    private static void Write(IBufferWriter<byte> output, string type, ReadOnlySpan<byte> value)
    {
        output.Write("{\"type\":\""u8);
        output.Write(System.Text.Encoding.ASCII.GetBytes(type));
        output.Write("\",\"object\":"u8);
        output.Write(value);
        output.Write("}\n"u8);
    }
}
