using System.Net;
using System.Net.Http.Headers;
using Knet.Oci;
using Knet.Oci.Formats;
using Knet.Oci.References;
using Knet.Oci.Registry;
using Knet.Oci.Store;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class RegistryClientTests : IDisposable
{
    private static readonly RegistryCredentials Alice = new("alice", "a");
    private static readonly RegistryCredentials Bob = new("bob", "b");
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.Zero };
    private readonly TempDirectory _temporary = new();
    private readonly FakeRegistry _registry = new();
    private readonly RegistryClient _client;
    private readonly BlobStore _blobs;

    public RegistryClientTests()
    {
        _client = new RegistryClient(new RegistryOptions { RetryDelay = TimeSpan.Zero, Insecure = ["plain.example"] }, _time, _registry);
        _blobs = new BlobStore(new StoreOptions { Root = _temporary.Path });
    }

    [Theory]
    [InlineData("nginx", "https://index.docker.io/v2/library/nginx/manifests/latest")]
    [InlineData("ghcr.io/a/b:1", "https://ghcr.io/v2/a/b/manifests/1")]
    [InlineData("localhost:5000/x", "http://localhost:5000/v2/x/manifests/latest")]
    [InlineData("127.0.0.2:5000/x", "http://127.0.0.2:5000/v2/x/manifests/latest")]
    [InlineData("[::1]:5000/x", "http://[::1]:5000/v2/x/manifests/latest")]
    [InlineData("plain.example/x", "http://plain.example/v2/x/manifests/latest")]
    public async Task Loopback_IsPlainAndTheRestEncrypted(string reference, string url)
    {
        await Assert.ThrowsAsync<ImageException>(() => HeadAsync(reference));
        Assert.Equal($"HEAD {url}", _registry.Requests[0]);
    }

    [Fact]
    public async Task MissingTag_IsToldAsGoContainerregistryDoes()
    {
        var head = await Assert.ThrowsAsync<ImageException>(() => HeadAsync("gcr.io/a/b:nope"));
        Assert.Equal(
            "HEAD https://gcr.io/v2/a/b/manifests/nope: unexpected status code 404 Not Found (HEAD responses have no body, use GET for details)",
            head.Message);
        var get = await Assert.ThrowsAsync<ImageException>(
            () => _client.GetManifestAsync(ImageReference.Parse("gcr.io/a/b:nope"), [], default));
        Assert.Equal("GET https://gcr.io/v2/a/b/manifests/nope: MANIFEST_UNKNOWN: manifest unknown", get.Message);
    }

    [Fact]
    public async Task Token_IsFetchedOnceAndKeptUntilItRunsOut()
    {
        _registry.Image("1", "x");
        Tokens(("alice", "good"));
        await HeadAsync("r.example/a:1", Alice);
        await HeadAsync("r.example/a:1", Alice);
        Assert.Equal(1, _registry.Count("GET https://auth.example/token?service=s&scope=repository%3Aa%3Apull"));
        _time.Advance(TimeSpan.FromSeconds(300));
        await HeadAsync("r.example/a:1", Alice);
        Assert.Equal(2, _registry.Count("GET https://auth.example/token"));
        Assert.Equal("Bearer", _registry.Authorizations[^1]!.Scheme);
    }

    [Fact]
    public async Task Credentials_AreTriedInTheirOrder()
    {
        _registry.Image("1", "x");
        Tokens(("alice", "bad"), ("bob", "good"));
        Assert.NotNull(await HeadAsync("r.example/a:1", Alice, Bob));
    }

    [Fact]
    public async Task RefusedCredentials_AreNamed()
    {
        Tokens(("alice", "bad"));
        var e = await Assert.ThrowsAsync<ImageException>(() => HeadAsync("r.example/a:1", Alice));
        Assert.Contains("401 Unauthorized", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("(with the credentials of user \"alice\")", e.Message, StringComparison.Ordinal);
        var anonymous = await Assert.ThrowsAsync<ImageException>(() => HeadAsync("r.example/a:1"));
        Assert.EndsWith("(without credentials)", anonymous.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BasicChallenge_GetsNameAndPassword()
    {
        _registry.Image("1", "x");
        _registry.Intercept = request => request.Headers.Authorization is null ? Challenge("Basic realm=\"r\"") : null;
        Assert.NotNull(await HeadAsync("r.example/a:1", Alice));
        Assert.Equal("Basic YWxpY2U6YQ==", _registry.Authorizations[^1]!.ToString());
    }

    [Fact]
    public async Task CredentialsForAnUnencryptedTokenServer_AreRefused()
    {
        _registry.Intercept = _ => Challenge("Bearer realm=\"http://auth.example/token\"");
        var e = await Assert.ThrowsAsync<ImageException>(() => HeadAsync("r.example/a:1", Alice));
        Assert.Contains("without encryption", e.Message, StringComparison.Ordinal);
        Assert.Single(_registry.Requests);
    }

    [Fact]
    public async Task Redirect_IsFollowedWithoutTheCredentials()
    {
        byte[] content = [1, 2, 3];
        var digest = _registry.Blob(content);
        _registry.Intercept = request => request switch
        {
            { RequestUri.Host: "r.example", Headers.Authorization: null } => Challenge("Basic realm=\"r\""),
            { RequestUri.Host: "r.example" } => new HttpResponseMessage(HttpStatusCode.TemporaryRedirect)
            {
                Headers = { Location = new Uri($"https://cdn.example/blobs/{digest}") },
            },
            _ => null,
        };
        await DownloadAsync(digest, 3, Alice);
        Assert.Equal($"GET https://cdn.example/blobs/{digest}", _registry.Requests[^1]);
        Assert.Null(_registry.Authorizations[^1]);
        Assert.Equal(content, _blobs.ReadDocument(digest, 100));
    }

    [Fact]
    public async Task RedirectToAnUnencryptedAddress_IsRefused()
    {
        _registry.Intercept = _ => new HttpResponseMessage(HttpStatusCode.Found) { Headers = { Location = new Uri("http://elsewhere.example/") } };
        var e = await Assert.ThrowsAsync<ImageException>(() => HeadAsync("r.example/a:1"));
        Assert.Contains("not encrypted", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RedirectsWithoutEnd_AreRefused()
    {
        _registry.Intercept = request => new HttpResponseMessage(HttpStatusCode.Found) { Headers = { Location = request.RequestUri } };
        Assert.Contains(
            "redirects", (await Assert.ThrowsAsync<ImageException>(() => HeadAsync("r.example/a:1"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokenDownload_GoesOnWhereItStopped()
    {
        var content = Enumerable.Range(0, 1000).Select(i => (byte)i).ToArray();
        var digest = _registry.Blob(content);
        var first = true;
        _registry.Intercept = _ => first ? Short(content[..400], ref first) : null;
        await DownloadAsync(digest, content.Length);
        Assert.Equal(2, _registry.Requests.Count);
        Assert.True(_blobs.Has(digest));
    }

    [Fact]
    public async Task RegistryWithoutRanges_StartsAgain()
    {
        var content = Enumerable.Range(0, 1000).Select(i => (byte)i).ToArray();
        var digest = _registry.Blob(content);
        var first = true;
        _registry.Intercept = _ => first ? Short(content[..400], ref first) : new HttpResponseMessage { Content = new ByteArrayContent(content) };
        await DownloadAsync(digest, content.Length);
        Assert.True(_blobs.Has(digest));
    }

    [Fact]
    public async Task OtherContent_IsRefusedAndNotStored()
    {
        var digest = Digest.Of("expected"u8);
        _registry.Blobs[digest.ToString()] = "tampered"u8.ToArray();
        var e = await Assert.ThrowsAsync<ImageException>(() => DownloadAsync(digest, 8));
        Assert.Contains($"does not have the digest {digest}", e.Message, StringComparison.Ordinal);
        Assert.StartsWith("GET https://r.example/v2/a/blobs/", e.Message, StringComparison.Ordinal);
        Assert.False(_blobs.Has(digest));
        Assert.Empty(Directory.GetFiles(_temporary["ingest"]));
    }

    [Fact]
    public async Task LongerContent_IsStopped()
    {
        var digest = _registry.Blob(new byte[1000]);
        Assert.Contains(
            "longer than the 10 bytes",
            (await Assert.ThrowsAsync<ImageException>(() => DownloadAsync(digest, 10))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManifestWithAnotherDigest_IsRefused()
    {
        var wanted = Digest.Of("x"u8);
        _registry.Manifests[wanted.ToString()] = (MediaTypes.OciManifest, "{}"u8.ToArray());
        var e = await Assert.ThrowsAsync<ImageException>(
            () => _client.GetManifestAsync(ImageReference.Parse($"r.example/a@{wanted}"), [], default));
        Assert.Contains("does not have the digest", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BusyRegistry_IsAskedAgain()
    {
        _registry.Image("1", "x");
        var busy = 2;
        _registry.Intercept = _ => busy-- > 0 ? new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) : null;
        Assert.NotNull(await HeadAsync("r.example/a:1"));
        Assert.Equal(3, _registry.Requests.Count);
    }

    public void Dispose()
    {
        _client.Dispose();
        _registry.Dispose();
        _temporary.Dispose();
    }

    private static HttpResponseMessage Challenge(string challenge)
    {
        var response = new HttpResponseMessage(HttpStatusCode.Unauthorized);
        response.Headers.TryAddWithoutValidation("WWW-Authenticate", challenge);
        return response;
    }

    private static HttpResponseMessage Short(byte[] bytes, ref bool first)
    {
        first = false;
        return new HttpResponseMessage { Content = new ByteArrayContent(bytes) };
    }

    // A token server at auth.example that gives each user a token, of which the registry takes "good" only.
    private void Tokens(params (string User, string Token)[] users) => _registry.Intercept = request =>
    {
        if (request.RequestUri!.Host == "auth.example")
        {
            var name = request.Headers.Authorization is { Parameter: { } parameter }
                ? System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(parameter)).Split(':')[0]
                : "";
            var token = users.FirstOrDefault(u => u.User == name).Token ?? "anonymous";
            return new HttpResponseMessage { Content = new StringContent($$"""{"token":"{{token}}","expires_in":300}""") };
        }

        return request.Headers.Authorization?.Parameter == "good"
            ? null
            : Challenge("Bearer realm=\"https://auth.example/token\",service=\"s\",scope=\"repository:a:pull\"");
    };

    private Task<Digest?> HeadAsync(string reference, params RegistryCredentials[] credentials) =>
        _client.HeadManifestAsync(ImageReference.Parse(reference), credentials, default);

    private Task DownloadAsync(Digest digest, long size, params RegistryCredentials[] credentials) => _client.DownloadAsync(
        ImageReference.Parse("r.example/a:1"), new Descriptor { Digest = digest.ToString(), Size = size }, _blobs, credentials, default);
}
