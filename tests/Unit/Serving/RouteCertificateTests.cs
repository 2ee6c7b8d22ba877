using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Routes;
using Knet.Tests.Unit.Serving.Builders;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>Routes with external-domain-tls and cluster-local-domain-tls.</summary>
public sealed class RouteCertificateTests
{
    [Fact]
    public void ExternalTls_CertificateForEachName_HttpUntilItIsReady()
    {
        var world = World(new NetworkConfig { ExternalDomainTls = true });
        var route = A.Route("hello", A.To("hello"), A.Pinned("old", 0, "t"));
        var (status, ingress) = Run(route, world);
        var name = $"route-{route.Metadata.Uid}";
        var certificate = world.Take<KnCertificate>(name);
        Assert.Equal(["hello.default.localhost"], certificate.Spec.DnsNames);
        Assert.Equal(name, certificate.Spec.SecretName);

        // 0x00750075 is Adler-32 of "t".
        Assert.Equal(["t-hello.default.localhost"], world.Take<KnCertificate>($"{name}-{0x00750075}").Spec.DnsNames);
        Assert.Null(ingress.Spec.Tls);
        Assert.Equal("http://hello.default.localhost", status.Url);
        var condition = ConditionSet.Find(status.Conditions, "CertificateProvisioned")!;
        Assert.Equal(("True", "HTTPDowngrade"), (condition.Status, condition.Reason));
    }

    [Fact]
    public void ExternalTls_ReadyCertificate_MakesHttpsAndRedirects()
    {
        var world = World(new NetworkConfig { ExternalDomainTls = true, HttpProtocol = "redirected", ExternalTlsPort = 8443 });
        var route = A.Route("hello", A.To("hello"));
        var (waiting, unready) = Run(route, world);
        Assert.Equal("CertificateNotReady", ConditionSet.Find(waiting.Conditions, "CertificateProvisioned")!.Reason);
        Assert.Equal("Enabled", unready.Spec.HttpOption);

        MakeReady(world, $"route-{route.Metadata.Uid}");
        var (status, ingress) = Run(route, world);
        Assert.Equal("https://hello.default.localhost:8443", status.Url);
        Assert.Equal("Redirected", ingress.Spec.HttpOption);
        var tls = Assert.Single(ingress.Spec.Tls!);
        Assert.Equal(("hello.default.localhost", $"route-{route.Metadata.Uid}", "default"), (tls.Hosts![0], tls.SecretName, tls.SecretNamespace));
        Assert.Equal("True", ConditionSet.Find(status.Conditions, "CertificateProvisioned")!.Status);
    }

    [Fact]
    public void ClusterLocalTls_ReadyCertificate_MakesTheAddressHttps()
    {
        var world = World(new NetworkConfig { ClusterLocalDomainTls = true });
        var route = A.Route("hello", A.To("hello"));
        Run(route, world);
        var name = $"route-{route.Metadata.Uid}-local";
        Assert.Equal(
            ["hello.default", "hello.default.svc", "hello.default.svc.cluster.local"], world.Take<KnCertificate>(name).Spec.DnsNames);
        MakeReady(world, name);
        var (status, ingress) = Run(route, world);
        Assert.Equal("https://hello.default.svc.cluster.local", status.Address!.Url);
        Assert.Equal("http://hello.default.localhost", status.Url);
        Assert.Equal("Enabled", ingress.Spec.HttpOption);
    }

    [Fact]
    public void ExternalTls_DisabledByAnnotation_OrdersNothing()
    {
        var route = A.Route("hello", A.To("hello"));
        route.Metadata.Annotations = new Dictionary<string, string> { ["networking.knative.dev/disable-external-domain-tls"] = "true" };
        var plan = new RouteReconciler().Reconcile(route, World(new NetworkConfig { ExternalDomainTls = true }));
        Assert.DoesNotContain(plan.Steps, s => s.Type.Kind == "Certificate");
    }

    private static World World(NetworkConfig network) => new World().Having(
        A.Configuration("hello").WithLatest("hello-00001", "hello-00001"), A.Revision("hello-00001").Ready(), A.Revision("old").Ready())
        .With(network);

    private static void MakeReady(World world, string name)
    {
        var certificate = world.Take<KnCertificate>(name);
        world.Having(certificate with
        {
            Status = new CertificateStatus { ObservedGeneration = certificate.Metadata.Generation }.MarkReady(DateTime.UnixEpoch),
        });
    }

    private static (RouteStatus Status, KnIngress Ingress) Run(KnRoute route, World world)
    {
        var plan = new RouteReconciler().Reconcile(route, world);
        foreach (var step in plan.Steps)
        {
            world.Execute(step);
        }

        return (plan.Status!, world.Take<KnIngress>("hello"));
    }
}
