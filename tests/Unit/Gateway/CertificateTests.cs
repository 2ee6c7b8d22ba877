using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.DataPlane;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Stats;
using Knet.Gateway;
using Knet.Gateway.Embedded;
using Knet.Gateway.Model;
using Knet.Tests.Unit.Kube;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Gateway;

/// <summary>Which certificate a host shows, from the Secrets that Ingresses name.</summary>
public sealed class CertificateTests
{
    private readonly CertificateTable _table = new();
    private readonly RuleBook _book;

    public CertificateTests() => _book = new RuleBook(
        new RevisionStates(new NoDialer(), new DataPlaneOptions(), new ColdStarts(TimeProvider.System), new FakeTimeProvider()), _table);

    [Fact]
    public void Find_ExactBeforeWildcardOfOneLabel()
    {
        var (own, wild) = (Context("a.example.com"), Context("*.example.com"));
        _table.Set("A.example.com", own);
        _table.Set("*.example.com", wild);
        Assert.Same(own, _table.Find("a.EXAMPLE.com"));
        Assert.Same(wild, _table.Find("b.example.com"));
        Assert.Null(_table.Find("c.b.example.com"));
        Assert.Null(_table.Find("example.com"));
        Assert.Null(_table.Find(""));
    }

    [Fact]
    public void Reconcile_SecretAppears_IsShownAndReady()
    {
        var waiting = Reconcile(Ingress("a", "s"));
        var condition = ConditionSet.Find(waiting.Status!.Conditions, "NetworkConfigured")!;
        Assert.Equal(("Unknown", "Waiting for Secret default/s to exist."), (condition.Status, condition.Message));
        Assert.Null(_table.Find("a.example"));

        Assert.True(ConditionSet.IsTrue(Reconcile(Ingress("a", "s"), Secret("s", "1")).Status!.Conditions));
        var shown = _table.Find("a.example");
        Assert.NotNull(shown);

        // A renewed certificate replaces it.
        Reconcile(Ingress("a", "s"), Secret("s", "2"));
        Assert.NotSame(shown, _table.Find("a.example"));
    }

    [Fact]
    public void Reconcile_SecretThatCannotBeRead_IsFalseAndReplacesNothing()
    {
        Reconcile(Ingress("a", "s"), Secret("s", "1"));
        var shown = _table.Find("a.example");
        var bad = Secret("s", "2");
        bad.Data["tls.key"] = "no key"u8.ToArray();
        var plan = Reconcile(Ingress("a", "s"), bad);
        var condition = ConditionSet.Find(plan.Status!.Conditions, "NetworkConfigured")!;
        Assert.Equal(("False", "CertificateInvalid"), (condition.Status, condition.Reason));
        Assert.Contains("Secret default/s", condition.Message, StringComparison.Ordinal);
        Assert.Same(shown, _table.Find("a.example"));
    }

    [Fact]
    public void RuleBook_TwoIngressesOfOneHost_TheOldersCertificateUntilItGoes()
    {
        var older = Rules("old", 1, "1");
        var younger = Rules("young", 2, "2");
        _book.Ask(younger, () => { });
        var shown = _table.Find("a.example");
        _book.Ask(older, () => { });
        Assert.NotSame(shown, _table.Find("a.example"));
        Assert.Equal(older.Certificates[0].Certificate.Trim(), Pem());
        _book.Forget(older);
        Assert.Equal(younger.Certificates[0].Certificate.Trim(), Pem());
        _book.Forget(younger);
        Assert.Null(_table.Find("a.example"));

        string Pem() => _table.Find("a.example")!.TargetCertificate.ExportCertificatePem().Trim();
    }

    [Fact]
    public void Rules_TheKey_StandsInNoText() =>
        Assert.DoesNotContain("PRIVATE", $"{Rules("a", 1, "1")}{Rules("a", 1, "1").Certificates[0]}", StringComparison.Ordinal);

    private Knet.Kube.Controllers.Plan<IngressStatus> Reconcile(KnIngress ingress, params k8s.IKubernetesObject<V1ObjectMeta>[] objects) =>
        new IngressReconciler(new GatewayOptions()).Reconcile(ingress, new FakeView(objects)
            .With(new GatewayConfig(NetworkingKeys.KnetIngressClass))
            .Knowing<IngressRules, RulesInForce>(rules =>
                ((Knet.Kube.Facts.Fact<RulesInForce>.Known)_book.Ask(rules, () => { })).Value));

    private static IngressRules Rules(string name, int created, string version)
    {
        var ingress = Ingress(name, "s");
        return new IngressRules(new ObjectKey("default", name), DateTime.UnixEpoch.AddSeconds(created), "hash", [])
        {
            Certificates = new SecretResolver(new FakeView([Secret("s", version)])).Resolve(ingress),
        };
    }

    private static KnIngress Ingress(string name, string secret) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name, NamespaceProperty = "default", CreationTimestamp = DateTime.UnixEpoch, Generation = 1,
            Annotations = new Dictionary<string, string> { [NetworkingKeys.IngressClass] = NetworkingKeys.KnetIngressClass },
        },
        Spec = new IngressSpec { Tls = [new IngressTls { Hosts = ["a.example"], SecretName = secret, SecretNamespace = "default" }] },
    };

    private static V1Secret Secret(string name, string version)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Certificate("a.example", key);
        return new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default", Uid = "u", ResourceVersion = version },
            Type = "kubernetes.io/tls",
            Data = new Dictionary<string, byte[]>
            {
                ["tls.crt"] = Encoding.UTF8.GetBytes(certificate.ExportCertificatePem()),
                ["tls.key"] = Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem()),
            },
        };
    }

    private static System.Net.Security.SslStreamCertificateContext Context(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Certificate(host, key);
        return CertificateTable.Read(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Certificate(string host, ECDsa key) => new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256)
        .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));

    private sealed class NoDialer : IInstanceDialer
    {
        public ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no test dials");
    }
}
