using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Auth;

/// <summary>Who somebody is: certificates, tokens, impersonation.</summary>
public sealed class IdentityTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "knet-ca-" + Guid.NewGuid().ToString("N"));
    private readonly Objects _objects = new();
    private readonly RbacAuthorizer _rbac = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ClusterCa _ca;
    private readonly ServiceAccountTokens _tokens;
    private readonly Authenticator _authenticator;

    public IdentityTests()
    {
        _ca = ClusterCa.LoadOrCreate(_directory, _time);
        _tokens = new(_key, ServiceAccountTokens.DefaultIssuer, _objects, _time);
        _authenticator = new(_ca, _tokens, [new StaticToken("secret", new("bob", ["ops"]))], _rbac);
        _objects.Put("serviceaccounts", "ns", "sa", "u1");
        _objects.Put("pods", "ns", "p", "u2");
    }

    public void Dispose()
    {
        _ca.Dispose();
        _key.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Task<KubeUser> Ask(
        X509Certificate2? certificate = null, string? bearer = null, string path = "/api", Dictionary<string, string[]>? headers = null) =>
        _authenticator.AuthenticateAsync(
            new(certificate, bearer is null ? null : "Bearer " + bearer, path, name => headers?.GetValueOrDefault(name) ?? [], headers?.Keys),
            CancellationToken.None);

    private X509Certificate2 Certificate(string file, string user, params string[] groups)
    {
        var pair = _ca.ClientCertificate(file, user, groups);
        return X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
    }

    [Fact]
    public void CertificateAskedForByManyAtOnce_IsMadeOnce()
    {
        var pairs = Enumerable.Range(0, 16).AsParallel().WithDegreeOfParallelism(8).Select(_ => _ca.ClientCertificate("many", "u", "g")).ToList();
        Assert.Single(pairs.Distinct());
    }

    [Fact]
    public void FilesThatDoNotBelongTogether_AreMadeAnew()
    {
        _ca.ClientCertificate("half", "u");
        _ca.ServerCertificate([], []).Dispose();
        _ca.ClientCertificate("other", "u");
        foreach (var file in (string[])["half", "server"])
        {
            File.Copy(Path.Combine(_directory, "other.key"), Path.Combine(_directory, file + ".key"), overwrite: true);
        }

        var pair = _ca.ClientCertificate("half", "u");
        using var client = X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
        using var server = _ca.ServerCertificate([], []);
        Assert.True(_ca.Signed(client));
        Assert.True(server.HasPrivateKey);
    }

    [Fact]
    public async Task ClientCertificate_NamesUserAndGroups()
    {
        var user = await Ask(Certificate("admin", "admin", "system:masters", "more"));
        Assert.Equal("admin", user.Name);
        Assert.Equal(["more", "system:authenticated", "system:masters"], user.Groups.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ForeignAuthority_IsNobody()
    {
        var other = ClusterCa.LoadOrCreate(Path.Combine(_directory, "other"), _time);
        var pair = other.ClientCertificate("admin", "admin", "system:masters");
        using var foreign = X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
        Assert.Equal(401, (await Assert.ThrowsAsync<KubeException>(() => Ask(foreign))).Code);
        Assert.Equal("system:anonymous", (await Ask(foreign, path: "/livez")).Name);
    }

    [Fact]
    public void Authority_IsKeptAndItsKeysAreSecret()
    {
        var server = _ca.ServerCertificate(["knet.local"], []);
        using var again = ClusterCa.LoadOrCreate(_directory, _time);
        Assert.Equal(_ca.Certificate.Thumbprint, again.Certificate.Thumbprint);
        Assert.Equal(server.Thumbprint, again.ServerCertificate(["knet.local"], []).Thumbprint);
        Assert.NotEqual(server.Thumbprint, again.ServerCertificate(["other.local"], []).Thumbprint);
        Assert.All(
            Directory.GetFiles(_directory, "*.key"), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        Assert.True(server.MatchesHostname("kubernetes.default.svc"));
        Assert.True(server.MatchesHostname("127.0.0.1"));
    }

    [Fact]
    public async Task ServiceAccountToken_LivesWithItsPod()
    {
        var issued = _tokens.Issue("ns", "sa", "u1", [], TimeSpan.FromHours(1), new BoundObject("Pod", "p", "u2"));
        Assert.Equal(_time.GetUtcNow().UtcDateTime.AddHours(1), issued.ExpiresAt);
        var user = await Ask(bearer: issued.Token);
        Assert.Equal("system:serviceaccount:ns:sa", user.Name);
        Assert.Contains("system:serviceaccounts:ns", user.Groups);

        _objects.Put("pods", "ns", "p", "another");
        Assert.Equal(401, (await Assert.ThrowsAsync<KubeException>(() => Ask(bearer: issued.Token))).Code);
        Assert.Equal("pod ns/p has been deleted", (await _tokens.VerifyAsync(issued.Token, [], CancellationToken.None)).Problem);
    }

    [Fact]
    public async Task ServiceAccountToken_EndsInTimeAndIsForItsAudience()
    {
        var mine = _tokens.Issue("ns", "sa", "u1", ["me"], TimeSpan.FromHours(1), null);
        Assert.Null((await _tokens.VerifyAsync(mine.Token, [], CancellationToken.None)).Token);
        Assert.Equal(["me"], (await _tokens.VerifyAsync(mine.Token, ["me", "you"], CancellationToken.None)).Token!.Audiences);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Null((await _tokens.VerifyAsync(mine.Token, ["me"], CancellationToken.None)).Token);
    }

    [Fact]
    public async Task ForeignSignature_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var forged = new ServiceAccountTokens(key, _tokens.Issuer, _objects, _time).Issue("ns", "sa", "u1", [], TimeSpan.FromHours(1), null);
        Assert.Null((await _tokens.VerifyAsync(forged.Token, [], CancellationToken.None)).Token);
    }

    [Fact]
    public async Task StaticToken_StandsForItsUser_AndAWrongOneForNobody()
    {
        Assert.Equal("bob", (await Ask(bearer: "secret")).Name);
        Assert.Equal(401, (await Assert.ThrowsAsync<KubeException>(() => Ask(bearer: "secreT", path: "/healthz"))).Code);
        Assert.Equal(401, (await Assert.ThrowsAsync<KubeException>(() => Ask())).Code);
    }

    [Fact]
    public async Task Impersonation_NeedsTheRightTo()
    {
        var headers = new Dictionary<string, string[]> { ["Impersonate-User"] = ["ann"], ["Impersonate-Group"] = ["dev"] };
        var user = await Ask(Certificate("admin", "admin", "system:masters"), headers: headers);
        Assert.Equal("ann", user.Name);
        Assert.Equal(["dev", "system:authenticated"], user.Groups);
        Assert.Equal(
            """users "ann" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope""",
            (await Assert.ThrowsAsync<KubeException>(() => Ask(bearer: "secret", headers: headers))).Message);
    }

    [Fact]
    public async Task ImpersonatedExtra_IsTakenOverWithItsOwnRight()
    {
        var headers = new Dictionary<string, string[]>
        {
            ["Impersonate-User"] = ["system:serviceaccount:ns:sa"], ["Impersonate-Uid"] = ["u1"], ["Impersonate-Extra-Acme.com%2fScope"] = ["a", "b"],
        };
        var user = await Ask(Certificate("admin", "admin", "system:masters"), headers: headers);
        Assert.Equal(["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"], user.Groups);
        Assert.Equal(("u1", "acme.com/scope"), (user.Uid, Assert.Single(user.Extra).Key));
        Assert.Equal(["a", "b"], user.Extra["acme.com/scope"]);

        headers.Remove("Impersonate-User");
        Assert.Equal(400, (await Assert.ThrowsAsync<KubeException>(() => Ask(bearer: "secret", headers: headers))).Code);
        headers = new() { ["Impersonate-User"] = ["ann"], ["Impersonate-Extra-Scope"] = ["a"] };
        _rbac.OnChanged("ClusterRole", WatchEventType.Added, Document(
            """{"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["users"],"verbs":["impersonate"]}]}"""));
        _rbac.OnChanged("ClusterRoleBinding", WatchEventType.Added, Document(
            """{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"bob"}]}"""));
        Assert.Equal(
            "userextras.authentication.k8s.io \"a\" is forbidden: User \"bob\" cannot impersonate resource \"userextras/scope\" in API group "
            + "\"authentication.k8s.io\" at the cluster scope",
            (await Assert.ThrowsAsync<KubeException>(() => Ask(bearer: "secret", headers: headers))).Message);
    }

    [Fact]
    public async Task RefusedToken_SaysWhy()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        async Task<string?> Why(string token) => (await _tokens.VerifyAsync(token, [], CancellationToken.None)).Problem;
        string Issue(ServiceAccountTokens by, params string[] audiences) =>
            by.Issue("ns", "sa", "u1", audiences, TimeSpan.FromMinutes(10), null).Token;

        var mine = Issue(_tokens);
        Assert.Equal("it is no JSON web token", await Why("nonsense"));
        Assert.Equal(
            $"token audiences [\"me\"] is invalid for the target audiences [\"{_tokens.Issuer}\"]", await Why(Issue(_tokens, "me")));
        Assert.Equal(
            "its signature was not made with this cluster's key", await Why(Issue(new(key, _tokens.Issuer, _objects, _time))));
        Assert.Equal(
            $"it was issued by \"https://else\", not by this cluster (\"{_tokens.Issuer}\")",
            await Why(Issue(new(_key, "https://else", _objects, _time), _tokens.Issuer)));
        Assert.Contains("signed with none", await Why("eyJhbGciOiJub25lIn0.e30."));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("service account token has expired or is not valid yet", await Why(mine));
    }

    private static KubeDocument Document(string json) => new(Encoding.UTF8.GetBytes(json));

    [Fact]
    public async Task VirtualKinds_AnswerReviewsAndTokens()
    {
        var kinds = new VirtualKinds(_rbac, _tokens, _objects);
        var admin = new KubeUser("admin", ["system:masters"]);
        async Task<string> Post(string group, string plural, string body, string subresource = "", string name = "")
        {
            var request = new KubeRequest(KubeVerb.Create, new(group, "v1", plural, "", true))
            {
                Namespace = "ns", Name = name, Subresource = subresource, Body = Encoding.UTF8.GetBytes(body),
            };
            return Encoding.UTF8.GetString((await kinds.HandleAsync(request, admin))!.Json.Span);
        }

        Assert.Contains("\"allowed\":true", await Post(
            "authorization.k8s.io", "selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}}"""),
            StringComparison.Ordinal);
        Assert.Contains("\"allowed\":false", await Post(
            "authorization.k8s.io", "subjectaccessreviews", """{"spec":{"user":"x","resourceAttributes":{"verb":"get","resource":"pods"}}}"""),
            StringComparison.Ordinal);
        var issued = await Post("", "serviceaccounts", """{"spec":{"audiences":["a"],"expirationSeconds":600}}""", "token", "sa");
        var token = System.Text.Json.JsonDocument.Parse(issued).RootElement.GetProperty("status").GetProperty("token").GetString();
        Assert.Contains("\"authenticated\":true", await Post(
            "authentication.k8s.io", "tokenreviews", "{\"spec\":{\"audiences\":[\"a\"],\"token\":\"" + token + "\"}}"), StringComparison.Ordinal);
    }

    private sealed class Objects : IObjectLookup
    {
        private readonly Dictionary<(string, string, string), string> _uids = [];

        public void Put(string plural, string ns, string name, string uid) => _uids[(plural, ns, name)] = uid;

        public Task<KubeDocument?> FindAsync(ResourceType type, string ns, string name, CancellationToken cancellationToken) =>
            Task.FromResult(_uids.TryGetValue((type.Plural, ns, name), out var uid)
                ? new KubeDocument(Encoding.UTF8.GetBytes("{\"metadata\":{\"name\":\"" + name + "\",\"uid\":\"" + uid + "\"}}"))
                : null);
    }
}
