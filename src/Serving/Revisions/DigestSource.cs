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
    : FollowedFacts<DigestQuery, string>(
        (options ?? new DigestSourceOptions()).FirstWait, (options ?? new DigestSourceOptions()).LongestWait, time)
{
    private readonly SemaphoreSlim _slots = new((options ?? new DigestSourceOptions()).Workers);

    protected override async Task<Fact<string>> FindAsync(DigestQuery query, CancellationToken stop)
    {
        await _slots.WaitAsync(stop);
        var timeout = config.Get<DeploymentConfig>().DigestResolutionTimeout;
        try
        {
            using var limit = new CancellationTokenSource(timeout, Time);
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
