using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Gateway.Tls;
using Knet.Kube.Controllers;
using Knet.Tests.Unit.Kube;
using Xunit;

namespace Knet.Tests.Unit.Gateway;

public sealed class CertificateReconcilerTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<CertificateOrder> _orders = [];

    [Fact]
    public void NoSecret_IsOrderedAndWritten()
    {
        var plan = Reconcile(Certificate(), []);
        Assert.Equal(new CertificateOrder("u1", "a.example.com", "", ""), Assert.Single(_orders));
        var step = Assert.IsType<ApplyStep>(Assert.Single(plan.Steps));
        Assert.Equal(new ObjectKey("default", "s"), step.Key);
        Assert.Equal("Unknown", Ready(plan).Status);
    }

    [Fact]
    public void ValidSecret_IsReadyAndLookedAtEveryDay()
    {
        var plan = Reconcile(Certificate(), [Secret(Now.AddDays(-10), Now.AddDays(80))]);
        Assert.Empty(plan.Steps);
        Assert.Empty(_orders);
        Assert.Equal("True", Ready(plan).Status);
        Assert.Equal(Now.AddDays(80).UtcDateTime, plan.Status!.NotAfter);
        Assert.Equal(TimeSpan.FromDays(1), plan.RequeueAfter);

        // The last day before the renewal is waited for exactly.
        Assert.Equal(TimeSpan.FromHours(12), Reconcile(Certificate(), [Secret(Now.AddDays(-59.5), Now.AddDays(30.5))]).RequeueAfter);
    }

    [Fact]
    public void LastThird_IsRenewedWhileTheOldOneServes()
    {
        var plan = Reconcile(Certificate(), [Secret(Now.AddDays(-70), Now.AddDays(20))]);
        Assert.NotEqual("", Assert.Single(_orders).Renews);
        Assert.Single(plan.Steps);
        Assert.Equal("True", Ready(plan).Status);
    }

    [Theory]
    [InlineData("b.example.com", "knet")] // another host
    [InlineData("a.example.com", "https://elsewhere.example/")] // another issuer
    public void SecretOfOtherHostOrIssuer_IsReplaced(string host, string issuer)
    {
        var plan = Reconcile(Certificate(), [Secret(Now.AddDays(-1), Now.AddDays(80), host, issuer)]);
        Assert.Single(plan.Steps);
        Assert.Equal("Unknown", Ready(plan).Status);
    }

    [Fact]
    public void ForeignSecret_IsLeftAlone()
    {
        var secret = Secret(Now, Now.AddDays(1));
        secret.Metadata.OwnerReferences = null;
        var plan = Reconcile(Certificate(), [secret]);
        Assert.Empty(plan.Steps);
        Assert.Equal(("False", "NotOwned"), (Ready(plan).Status, Ready(plan).Reason));
    }

    [Fact]
    public void Config_NoClassChosen_TakesWhatRoutesAskFor() => Assert.Equal(
        Knet.Serving.Config.NetworkConfig.Parse(new Dictionary<string, string>()).CertificateClass,
        CertificateConfig.Kind.Parse(new Dictionary<string, string>()).CertificateClass);

    [Fact]
    public void ForeignClass_IsIgnored()
    {
        var certificate = Certificate();
        certificate.Metadata.Annotations["networking.knative.dev/certificate.class"] = "other.example";
        Assert.Null(Reconcile(certificate, []).Status);
    }

    [Theory]
    [InlineData("shop.example.com", "https://acme.example/directory")]
    [InlineData("hello.default.localhost", "")]
    [InlineData("hello.default.svc.cluster.local", "")]
    [InlineData("hello", "")]
    public void IssuerFor_PrivateNames_AreSignedHere(string host, string issuer) =>
        Assert.Equal(issuer, CertificateConfig.Kind.Parse(new Dictionary<string, string>
        {
            [CertificateConfig.AcmeDirectoryKey] = "https://acme.example/directory",
        }).IssuerFor([host]));

    [Fact]
    public void Config_DirectoryWithoutTls_IsRefused() =>
        Assert.Contains(CertificateConfig.AcmeDirectoryKey, Assert.Throws<FormatException>(() => CertificateConfig.Kind.Parse(
            new Dictionary<string, string> { [CertificateConfig.AcmeDirectoryKey] = "http://acme.example/" })).Message, StringComparison.Ordinal);

    private Plan<CertificateStatus> Reconcile(KnCertificate certificate, V1Secret[] secrets) => new CertificateReconciler().Reconcile(
        certificate,
        new FakeView(secrets) { Now = Now }.With(new CertificateConfig("")).Knowing<CertificateOrder, IssuedCertificate>(order =>
        {
            _orders.Add(order);
            return new IssuedCertificate("certificate", "key");
        }));

    private static KnCondition Ready(Plan<CertificateStatus> plan) => ConditionSet.Find(plan.Status!.Conditions, "Ready")!;

    private static KnCertificate Certificate() => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = "c", NamespaceProperty = "default", Uid = "u1", Generation = 1, Annotations = new Dictionary<string, string>(),
        },
        Spec = new CertificateSpec { DnsNames = ["a.example.com"], SecretName = "s" },
    };

    private static V1Secret Secret(DateTimeOffset from, DateTimeOffset to, string host = "a.example.com", string issuer = "knet")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(from, to);
        return new V1Secret
        {
            Metadata = new V1ObjectMeta
            {
                Name = "s", NamespaceProperty = "default", Annotations = new Dictionary<string, string> { ["knet.dev/issuer"] = issuer },
                OwnerReferences = [new V1OwnerReference { Uid = "u1", Controller = true }],
            },
            Data = new Dictionary<string, byte[]>
            {
                ["tls.crt"] = Encoding.UTF8.GetBytes(certificate.ExportCertificatePem()),
                ["tls.key"] = Encoding.UTF8.GetBytes(key.ExportPkcs8PrivateKeyPem()),
            },
        };
    }
}
