using Knet.Api.Meta;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Informers;

/// <summary>Where a <see cref="WatchMachine"/> puts what it learns. Called from its loop only, in order.</summary>
internal interface IWatchSink
{
    /// <summary>The complete contents at a version.</summary>
    void Replace(IReadOnlyCollection<KubeDocument> documents, string resourceVersion);

    /// <summary>One change, or a bookmark.</summary>
    void Apply(KubeWatchEvent change);
}

/// <summary>Lists, then watches one kind, for ever, as an explicit state machine: see <see cref="InformerState"/>.</summary>
internal sealed partial class WatchMachine(
    IKubeTransport transport, ResourceType type, InformerOptions options, IWatchSink sink, TimeProvider time, ILogger logger)
{
    private const string InitialEventsEnd = "k8s.io/initial-events-end";
    private bool _initialEvents = options.UseInitialEvents;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        InformerState state = new InformerState.Empty();
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var next = await StepAsync(state, cancellationToken);
                failures = state is InformerState.Empty or InformerState.InitListed ? failures : 0;
                if (state is InformerState.Watching && next is InformerState.InitListed)
                {
                    await WaitAsync(0, cancellationToken);   // an ordinary end; a server that ends watches at once must not make us spin
                }

                state = next;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                state = await RecoverAsync(state, e);
                if (failures > 0 || e is not KubeException { IsExpired: true })
                {
                    Log.Failed(logger, type, state.GetType().Name, e.Message);
                    await WaitAsync(failures, cancellationToken);
                }

                failures = Math.Min(failures + 1, 30);
            }
        }

        await DisposeStreamAsync(state);
    }

    /// <summary>One transition: one page, one event, or one opened watch.</summary>
    internal async Task<InformerState> StepAsync(InformerState state, CancellationToken cancellationToken)
    {
        switch (state)
        {
            case InformerState.Empty when _initialEvents:
                var initial = Request() with { SendInitialEvents = true, AllowBookmarks = true, ResourceVersionMatch = "NotOlderThan" };
                return new InformerState.InitialWatch([], transport.WatchAsync(initial, cancellationToken)
                    .GetAsyncEnumerator(cancellationToken));
            case InformerState.Empty:
                return new InformerState.InitPage([], null);
            case InformerState.InitPage page:
                return await ListPageAsync(page, cancellationToken);
            case InformerState.InitialWatch watch:
                return await ReadInitialAsync(watch);
            case InformerState.InitListed listed:
                var request = Request() with { ResourceVersion = listed.ResourceVersion, AllowBookmarks = true };
                return new InformerState.Watching(
                    transport.WatchAsync(request, cancellationToken).GetAsyncEnumerator(cancellationToken), listed.ResourceVersion);
            case InformerState.Watching watching:
                return await FollowAsync(watching);
            default:
                throw new InvalidOperationException($"unknown state {state}");
        }
    }

    /// <summary>Where to go on after an error: from nothing when the version is too old, else from the last version seen.</summary>
    internal async Task<InformerState> RecoverAsync(InformerState state, Exception error)
    {
        await DisposeStreamAsync(state);
        if (state is InformerState.InitialWatch && error is KubeException { Code: 400 or 422 or 405 })
        {
            _initialEvents = false;
        }

        return (state, error) switch
        {
            (_, KubeException { IsExpired: true }) => new InformerState.Empty(),
            (InformerState.InitListed listed, _) => listed,
            (InformerState.Watching watching, _) => new InformerState.InitListed(watching.ResourceVersion),
            _ => new InformerState.Empty(),
        };
    }

    private async Task WaitAsync(int failures, CancellationToken cancellationToken)
    {
        var wait = Math.Min(options.RetryMax.Ticks, options.RetryMin.Ticks * Math.Pow(2, failures));
        await Task.Delay(TimeSpan.FromTicks((long)wait), time, cancellationToken)
            .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private static async Task DisposeStreamAsync(InformerState state)
    {
        var stream = (state as InformerState.InitialWatch)?.Stream ?? (state as InformerState.Watching)?.Stream;
        if (stream is not null)
        {
            await stream.DisposeAsync();
        }
    }

    private async Task<InformerState> ListPageAsync(InformerState.InitPage page, CancellationToken cancellationToken)
    {
        var answer = await transport.ListAsync(Request() with { Limit = options.PageSize, Continue = page.Continue }, cancellationToken);
        foreach (var document in answer.Items)
        {
            page.Found[document.Key] = document;
        }

        if (!string.IsNullOrEmpty(answer.Continue))
        {
            return page with { Continue = answer.Continue };
        }

        sink.Replace(page.Found.Values, answer.ResourceVersion);
        return new InformerState.InitListed(answer.ResourceVersion);
    }

    private async Task<InformerState> ReadInitialAsync(InformerState.InitialWatch watch)
    {
        if (!await watch.Stream.MoveNextAsync())
        {
            await watch.Stream.DisposeAsync();
            throw new IOException("the watch ended before its initial list was complete");
        }

        var (kind, document) = watch.Stream.Current;
        switch (kind)
        {
            case WatchEventType.Added or WatchEventType.Modified:
                watch.Found[document.Key] = document;
                return watch;
            case WatchEventType.Deleted:
                watch.Found.Remove(document.Key);
                return watch;
            default:
                if (document.Metadata.Annotations?.ContainsKey(InitialEventsEnd) != true)
                {
                    return watch;
                }

                var version = document.Metadata.ResourceVersion ?? "";
                sink.Replace(watch.Found.Values, version);
                return new InformerState.Watching(watch.Stream, version);
        }
    }

    private async Task<InformerState> FollowAsync(InformerState.Watching watching)
    {
        if (!await watching.Stream.MoveNextAsync())
        {
            await watching.Stream.DisposeAsync();
            return new InformerState.InitListed(watching.ResourceVersion);
        }

        var change = watching.Stream.Current;
        sink.Apply(change);
        return watching with { ResourceVersion = change.Document.Metadata.ResourceVersion ?? watching.ResourceVersion };
    }

    private KubeRequest Request() => new(KubeVerb.List, type)
    {
        Namespace = options.Namespace, LabelSelector = options.LabelSelector, FieldSelector = options.FieldSelector,
    };

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Warning, "Informer of {Type} failed and goes on from {State}: {Error}")]
        public static partial void Failed(ILogger logger, ResourceType type, string state, string error);
    }
}
