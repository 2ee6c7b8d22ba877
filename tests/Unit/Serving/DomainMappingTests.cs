using k8s.Models;
using Knet.Api.Duck;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Api.Serving.V1Beta1;
using Knet.Serving.Config;
using Knet.Serving.DomainMappings;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

public sealed class DomainMappingTests
{
    private const string Domain = "shop.example.org";

    [Fact]
    public void Mapping_ClaimsItsDomainAndLeadsToTheService()
    {
        var world = Target(autocreate: true);
        Run(world, Mapping());
        Assert.Equal("default", world.Get<KnClusterDomainClaim>("", Domain)!.Spec.Namespace);
        var ingress = world.Only<KnIngress>();
        var rule = Assert.Single(ingress.Spec.Rules!);
        var path = Assert.Single(rule.Http!.Paths);
        Assert.Equal((Domain, "ExternalIP"), (Assert.Single(rule.Hosts!), rule.Visibility));
        Assert.Equal("hello.default.svc.cluster.local", path.RewriteHost);
        Assert.Equal(("hello", 80, 100), (path.Splits[0].ServiceName, int.Parse(path.Splits[0].ServicePort.Value), path.Splits[0].Percent));
        Assert.Equal(Domain, path.Splits[0].AppendHeaders!["K-Original-Host"]);

        world.Having(ingress with { Status = A.Routing(ingress.Metadata.Generation) });
        var writes = world.Writes.Count;
        Run(world, world.Take<KnDomainMapping>(Domain));
        var status = world.Take<KnDomainMapping>(Domain).Status;
        Assert.Equal("True", ConditionSet.Find(status.Conditions, "Ready")!.Status);
        Assert.Equal(($"http://{Domain}", $"http://{Domain}"), (status.Url, status.Address!.Url));
        Assert.Equal(1, world.Writes.Count - writes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DomainOfAnotherNamespace_IsRefusedAndNothingIsMade(bool autocreate)
    {
        var world = Target(autocreate);
        if (autocreate)
        {
            world.Having(Claim("other"));
        }

        Run(world, Mapping());
        var condition = ConditionSet.Find(world.Take<KnDomainMapping>(Domain).Status.Conditions, "DomainClaimed")!;
        Assert.Equal(
            ("False", "DomainAlreadyClaimed", "The domain name is already in use by another DomainMapping"),
            (condition.Status, condition.Reason, condition.Message));
        Assert.DoesNotContain(world.Writes, w => w.Contains("Ingress", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("default", true)]
    [InlineData("other", false)]
    public void DeletedMapping_GivesItsOwnClaimBack(string owner, bool isGivenBack)
    {
        var world = Target(autocreate: true).Having(Claim(owner));
        var mapping = Mapping();
        mapping.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        mapping.Metadata.Finalizers = ["domainmappings.serving.knative.dev"];
        Run(world, mapping);
        Assert.Equal(isGivenBack, world.Writes.Contains($"delete ClusterDomainClaim/{Domain}"));
        Assert.Contains($"patch DomainMapping/{Domain}", world.Writes);
    }

    [Theory]
    [InlineData("Service", "gone", "services.serving.knative.dev \"gone\" not found")]
    [InlineData("Service", "far", "resolved URI \"http://far.other.svc.cluster.local\" must be in same namespace as DomainMapping")]
    [InlineData("Service", "deep", "resolved URI \"http://deep.default.svc.cluster.local/path\" contains a path")]
    [InlineData(
        "Service", "out", "resolved URI \"http://out.example.com/\" must be of the form {name}.{namespace}.svc.cluster.local")]
    public void ReferenceThatLeadsNowhere_SaysWhy(string kind, string name, string message)
    {
        var world = Target(autocreate: true).Having(
            Addressed("far", "http://far.other.svc.cluster.local"), Addressed("deep", "http://deep.default.svc.cluster.local/path"),
            Addressed("out", "http://out.example.com/"));
        Run(world, Mapping(kind, name));
        var condition = ConditionSet.Find(world.Take<KnDomainMapping>(Domain).Status.Conditions, "ReferenceResolved")!;
        Assert.Equal(("False", "ResolveFailed", message), (condition.Status, condition.Reason, condition.Message));
    }

    [Fact]
    public void OwnCertificate_IsServed()
    {
        var world = Target(autocreate: true);
        Run(world, Mapping() with { Spec = new() { Ref = Reference("Service", "hello"), Tls = new SecretTls { SecretName = "cert" } } });
        var tls = Assert.Single(world.Only<KnIngress>().Spec.Tls!);
        Assert.Equal((Domain, "cert", "default"), (Assert.Single(tls.Hosts!), tls.SecretName, tls.SecretNamespace));
        var status = world.Take<KnDomainMapping>(Domain).Status;
        Assert.Equal($"https://{Domain}", status.Url);
        Assert.Equal("CertificateExternallyProvided", ConditionSet.Find(status.Conditions, "CertificateProvisioned")!.Reason);
    }

    [Fact]
    public void ExternalTls_CertificateIsMade_HttpUntilItIsReady()
    {
        var world = Target(autocreate: true).With(
            new NetworkConfig { AutocreateClusterDomainClaims = true, ExternalDomainTls = true, ExternalTlsPort = 8443 });
        Run(world, Mapping());
        var certificate = world.Take<KnCertificate>(Domain);
        Assert.Equal((Domain, Domain, Domain), (certificate.Spec.DnsNames.Single(), certificate.Spec.Domain, certificate.Spec.SecretName));
        var waiting = world.Take<KnDomainMapping>(Domain).Status;
        Assert.Equal($"http://{Domain}", waiting.Url);
        Assert.Equal("HTTPDowngrade", ConditionSet.Find(waiting.Conditions, "CertificateProvisioned")!.Reason);
        Assert.Null(world.Only<KnIngress>().Spec.Tls);

        world.Having(certificate with
        {
            Status = new CertificateStatus { ObservedGeneration = certificate.Metadata.Generation }.MarkReady(DateTime.UnixEpoch),
        });
        Run(world, world.Take<KnDomainMapping>(Domain));
        var status = world.Take<KnDomainMapping>(Domain).Status;
        Assert.Equal($"https://{Domain}:8443", status.Url);
        Assert.Equal("True", ConditionSet.Find(status.Conditions, "CertificateProvisioned")!.Status);
        Assert.Equal((Domain, Domain), (world.Only<KnIngress>().Spec.Tls!.Single().Hosts!.Single(), world.Only<KnIngress>().Spec.Tls![0].SecretName));
    }

    [Fact]
    public void CertificateOfSomebodyElse_IsNotTaken()
    {
        var world = Target(autocreate: true)
            .With(new NetworkConfig { AutocreateClusterDomainClaims = true, ExternalDomainTls = true })
            .Having(new KnCertificate { Metadata = A.Meta(Domain) });
        Run(world, Mapping());
        var condition = ConditionSet.Find(world.Take<KnDomainMapping>(Domain).Status.Conditions, "CertificateProvisioned")!;
        Assert.Equal(("False", "CertificateNotOwned"), (condition.Status, condition.Reason));
    }

    [Theory]
    [InlineData("shop", "default", "should be a domain with at least two segments separated by dots: metadata.name")]
    [InlineData("a.svc.cluster.local", "default", "must not be a subdomain of cluster local domain \"cluster.local\": metadata.name")]
    [InlineData(Domain, "other", "parent namespace: \"default\" does not match ref: \"other\"")]
    public void BadMapping_IsRefused(string name, string ns, string part)
    {
        var errors = new FieldErrors();
        var reference = Reference("Service", "hello") with { Namespace = ns };
        new KnDomainMapping { Metadata = A.Meta(name), Spec = new() { Ref = reference } }.Validate(null, errors);
        Assert.Contains(part, errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void EmptyReference_NamesWhatIsMissing()
    {
        var errors = new FieldErrors();
        new KnDomainMapping { Metadata = A.Meta(Domain) }.WithDefaults(null, "me").Validate(null, errors);
        Assert.Equal("missing field(s): spec.ref.apiVersion, spec.ref.kind, spec.ref.name", errors.ToString());
    }

    private static World Target(bool autocreate) => new World()
        .With(new NetworkConfig { AutocreateClusterDomainClaims = autocreate })
        .Having(Addressed("hello", "http://hello.default.svc.cluster.local"));

    private static KnService Addressed(string name, string url) => A.Service(name) with { Status = new() { Address = new() { Url = url } } };

    private static KnClusterDomainClaim Claim(string ns) =>
        new() { Metadata = new V1ObjectMeta { Name = Domain, Uid = "claim" }, Spec = new() { Namespace = ns } };

    private static KReference Reference(string kind, string name) =>
        new() { ApiVersion = "serving.knative.dev/v1", Kind = kind, Name = name };

    private static KnDomainMapping Mapping(string kind = "Service", string name = "hello") =>
        new() { Metadata = A.Meta(Domain), Spec = new() { Ref = Reference(kind, name) } };

    private static void Run(World world, KnDomainMapping mapping) => world.Having(mapping).Run<KnDomainMapping, DomainMappingStatus>(
        new DomainMappingReconciler(), m => m.Status, (m, status) => m with { Status = status });
}
