using Knet.Kube.Config;
using Knet.Kube.Facts;
using Knet.Oci;
using Knet.Serving.Config;
using Knet.Serving.Revisions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class DigestSourceTests
{
    private static readonly DigestQuery Query = new("default", "localhost:5000/hello:v1", "", "");
    private readonly FakeTimeProvider _time = new();
    private readonly Registry _registry = new();

    [Fact]
    public async Task Digest_IsKnownAfterOneAnswer()
    {
        using var source = Source();
        var woken = new SemaphoreSlim(0);
        Assert.IsType<Fact<string>.Pending>(source.Ask(Query, () => woken.Release()));
        _registry.Answer.SetResult("sha256:abc");
        Assert.True(await woken.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(new Fact<string>.Known("localhost:5000/hello@sha256:abc"), source.Ask(Query, () => { }));
        Assert.Equal(1, _registry.Asked);
    }

    [Fact]
    public async Task Failure_IsToldAndTriedAgain()
    {
        _registry.Failures = 1;
        _registry.Answer.SetResult("sha256:abc");
        using var source = Source();
        var woken = new SemaphoreSlim(0);
        source.Ask(Query, () => woken.Release());
        Assert.True(await woken.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.Equal(new Fact<string>.Failed("404 Not Found"), source.Ask(Query, () => { }));

        while (!woken.Wait(0, TestContext.Current.CancellationToken))
        {
            // The wait may not have begun yet: time goes on until it has.
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.IsType<Fact<string>.Known>(source.Ask(Query, () => { }));
        Assert.Equal(2, _registry.Asked);
    }

    private DigestSource Source() =>
        new(_registry, _registry, new OnlyDeployment(), _time, NullLogger<DigestSource>.Instance);

    private sealed class Registry : IImages, IPullCredentials
    {
        public TaskCompletionSource<string> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public int Failures { get; set; }
        public int Asked { get; private set; }

        public Task<IReadOnlyList<RegistryCredentials>> ForAsync(DigestQuery query, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<RegistryCredentials>>([]);

        public Task<string> ResolveDigestAsync(
            string reference, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken)
        {
            Asked++;
            return Asked <= Failures ? Task.FromException<string>(new ImageException("404 Not Found")) : Answer.Task.WaitAsync(cancellationToken);
        }

        public LocalImage? Find(string reference) => null;

        public Task<LocalImage> EnsureAsync(
            string reference, string policy, IReadOnlyList<RegistryCredentials> credentials, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private sealed class OnlyDeployment : IConfigSource
    {
        public TConfig Get<TConfig>() where TConfig : class =>
            (TConfig)(object)new DeploymentConfig { DigestResolutionTimeout = TimeSpan.FromDays(1) };

        public IDisposable OnChange<TConfig>(Action<TConfig> changed) where TConfig : class => throw new NotSupportedException();
    }
}
