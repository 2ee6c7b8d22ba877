using Knet.Api.Serving;
using Knet.Kube.Config;
using Knet.Kube.Facts;
using Knet.Oci;
using Knet.Serving.Config;
using Microsoft.Extensions.Logging;

namespace Knet.Serving.Revisions;

/// <summary>
/// Resolves image tags to digests in the background. A failure is told at once and tried again with back-off for as long as somebody
/// asks; a digest found is final: a Revision's image never changes.
/// </summary>
public sealed partial class DigestSource(
    IImages images, IPullCredentials credentials, IConfigSource config, TimeProvider time, ILogger<DigestSource> logger,
    DigestSourceOptions? options = null)
    : IFactSource<DigestQuery, string>, IDisposable
{
    private readonly DigestSourceOptions _options = options ?? new DigestSourceOptions();
    private readonly Lock _lock = new();
    private readonly Dictionary<DigestQuery, Entry> _entries = [];
    private readonly SemaphoreSlim _slots = new((options ?? new DigestSourceOptions()).Workers);

    public Fact<string> Ask(DigestQuery query, Action wake)
    {
        Entry entry;
        lock (_lock)
        {
            if (_entries.TryGetValue(query, out var known))
            {
                known.Wakes.Add(wake);
                return known.State;
            }

            entry = new Entry();
            entry.Wakes.Add(wake);
            _entries[query] = entry;
        }

        _ = FollowAsync(query, entry);
        return Fact<string>.Pending.Instance;
    }

    public void Forget(DigestQuery query)
    {
        Entry? entry;
        lock (_lock)
        {
            _entries.Remove(query, out entry);
        }

        entry?.Stop.Cancel();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var entry in _entries.Values)
            {
                entry.Stop.Cancel();
            }

            _entries.Clear();
        }
    }

    private async Task FollowAsync(DigestQuery query, Entry entry)
    {
        // The asking reconcile goes on at once, whatever the registry client does before its first wait.
        await Task.Yield();
        var wait = _options.FirstWait;
        try
        {
            while (true)
            {
                var answer = await TryAsync(query, entry.Stop.Token);
                Publish(entry, answer);
                if (answer is Fact<string>.Known)
                {
                    return;
                }

                await Task.Delay(wait, time, entry.Stop.Token);
                wait = wait * 2 < _options.LongestWait ? wait * 2 : _options.LongestWait;
            }
        }
        catch (OperationCanceledException) when (entry.Stop.IsCancellationRequested)
        {
            // Nobody asks any more.
        }
    }

    private async Task<Fact<string>> TryAsync(DigestQuery query, CancellationToken stop)
    {
        await _slots.WaitAsync(stop);
        var timeout = config.Get<DeploymentConfig>().DigestResolutionTimeout;
        try
        {
            using var limit = new CancellationTokenSource(timeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
            try
            {
                var found = await credentials.ForAsync(query, both.Token);
                var digest = await images.ResolveDigestAsync(query.Image, found, both.Token);
                var reference = ImageReference.TryParse(query.Image);
                return new Fact<string>.Known($"{reference?.Context ?? query.Image}@{digest}");
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !stop.IsCancellationRequested)
            {
                return new Fact<string>.Failed(
                    $"the registry did not answer within {timeout.TotalSeconds:0.#} s (digest-resolution-timeout)");
            }
            catch (ImageException e)
            {
                Log.Failed(logger, query.Image, query.Namespace, e.Message);
                return new Fact<string>.Failed(e.Message);
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                // The outer edge of this loop: whatever it was (the API was away, say), it is tried again.
                Log.Crashed(logger, e, query.Image, query.Namespace);
                return new Fact<string>.Failed(e.Message);
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    private void Publish(Entry entry, Fact<string> answer)
    {
        Action[] wakes;
        lock (_lock)
        {
            if (entry.State.Equals(answer))
            {
                return;
            }

            entry.State = answer;
            wakes = [.. entry.Wakes];
        }

        foreach (var wake in wakes)
        {
            wake();
        }
    }

    private sealed class Entry
    {
        public Fact<string> State { get; set; } = Fact<string>.Pending.Instance;
        public HashSet<Action> Wakes { get; } = [];
        public CancellationTokenSource Stop { get; } = new();
    }

    private static partial class Log
    {
        [LoggerMessage(5101, LogLevel.Information, "image {Image} of namespace {Namespace} has no digest yet: {Error}")]
        public static partial void Failed(ILogger logger, string image, string @namespace, string error);

        [LoggerMessage(5102, LogLevel.Error, "image {Image} of namespace {Namespace}: resolving its digest failed unexpectedly")]
        public static partial void Crashed(ILogger logger, Exception e, string image, string @namespace);
    }
}

/// <summary>How hard registries are asked. Defaults are upstream's.</summary>
public sealed record DigestSourceOptions
{
    /// <summary>Registries asked at once. Default 100.</summary>
    public int Workers { get; init; } = 100;

    /// <summary>Wait after the first failure; doubles. Default 1 s.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Default 1000 s.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(1000);
}
