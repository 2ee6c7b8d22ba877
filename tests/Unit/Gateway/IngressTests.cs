using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.DataPlane;
using Knet.DataPlane.Activation;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Protocol;
using Knet.DataPlane.Routing;
using Knet.DataPlane.Stats;
using Knet.Gateway;
using Knet.Gateway.Embedded;
using Knet.Gateway.Model;
using Knet.Tests.Unit.Kube;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Gateway;

public sealed class IngressTests
{
    private static readonly GatewayOptions Options = new();

    private readonly RuleBook _book = new(
        new RevisionStates(new NoDialer(), new DataPlaneOptions(), new ColdStarts(TimeProvider.System), new FakeTimeProvider()),
        new CertificateTable());

    [Fact]
    public void Build_RouteOfTwoRevisions_ResolvesTheSplits()
    {
        var rules = Rules(Ingress("hello", ["hello.default.example.com"], splits: [("r1", 80), ("r2", 20)]), Public("r1"), Public("r2"));
        Assert.Equal(
            "hello.default.example.com external [{}->{}(80% revision default/r1{} + 20% revision default/r2{})]", rules.Fingerprint);
    }

    [Fact]
    public void Build_OrdinaryServiceAndAlias_BecomeAddressesAndHost()
    {
        var service = new V1Service
        {
            Metadata = new V1ObjectMeta { Name = "db", NamespaceProperty = "default" },
            Spec = new V1ServiceSpec { Ports = [new V1ServicePort { Name = "web", Port = 80, AppProtocol = "kubernetes.io/h2c" }] },
        };
        var endpoints = new V1Endpoints
        {
            Metadata = new V1ObjectMeta { Name = "db", NamespaceProperty = "default" },
            Subsets =
            [
                new V1EndpointSubset
                {
                    Addresses = [new V1EndpointAddress { Ip = "10.0.0.7" }], Ports = [new Corev1EndpointPort { Name = "web", Port = 9000 }],
                },
            ],
        };
        var alias = new V1Service
        {
            Metadata = new V1ObjectMeta { Name = "hello", NamespaceProperty = "default" },
            Spec = new V1ServiceSpec { Type = "ExternalName", ExternalName = Options.InternalDomain },
        };
        Assert.Contains("100% h2c 10.0.0.7:9000",
            Rules(Ingress("i", ["a.example"], splits: [("db", 100)]), service, endpoints).Fingerprint, StringComparison.Ordinal);

        var mapping = Ingress("i", ["my.example"], splits: [("hello", 0)]);
        var path = mapping.Spec.Rules![0].Http!.Paths[0];
        mapping.Spec.Rules[0].Http!.Paths[0] = path with { RewriteHost = "hello.default.svc.cluster.local" };
        Assert.Contains("100% host hello.default.svc.cluster.local", Rules(mapping, alias).Fingerprint, StringComparison.Ordinal);
    }

    [Fact]
    public void Hash_IsGosJsonWithNamespaceAndName()
    {
        // sha256 of {"rules":[{"hosts":["a<b.example"],"visibility":"ExternalIP","http":{"paths":[{"splits":[{"serviceNamespace":"default",
        // "serviceName":"r1","servicePort":80,"percent":100,"appendHeaders":{"A":"1"}}]}]}}],"httpOption":"Enabled"}defaulthello
        // with < written as \u003c, on one line.
        var ingress = Ingress("hello", ["a<b.example"], splits: [("r1", 100)]);
        var splits = ingress.Spec.Rules![0].Http!.Paths[0].Splits;
        splits[0] = splits[0] with { AppendHeaders = new() { ["A"] = "1" } };
        const string Json =
            """{"rules":[{"hosts":["a\u003cb.example"],"visibility":"ExternalIP","http":{"paths":[{"splits":[{"serviceNamespace":"defa""" +
            """ult","serviceName":"r1","servicePort":80,"percent":100,"appendHeaders":{"A":"1"}}]}]}}],"httpOption":"Enabled"}""";
        var expected = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Json + "defaulthello"));
        Assert.Equal(Convert.ToHexStringLower(expected), IngressHash.Compute(ingress));
    }

    [Fact]
    public void RuleBook_Visibility_SeparatesTheTables()
    {
        _book.Ask(Rules(Ingress("a", ["a.example"]), Public("r1")), () => { });
        _book.Ask(Rules(Ingress("b", ["b.default"], "ClusterLocal"), Public("r1")), () => { });
        Assert.NotNull(_book.External.Find("a.example"));
        Assert.Null(_book.External.Find("b.default"));
        Assert.NotNull(_book.Internal.Find("a.example"));
        Assert.NotNull(_book.Internal.Find("b.default"));
    }

    [Fact]
    public void RuleBook_ChangedRules_ReplaceTheOldAndOutliveTheirForgetting()
    {
        var old = Rules(Ingress("a", ["a.example", "old.example"]), Public("r1"));
        var fresh = Rules(Ingress("a", ["a.example"]), Public("r1"));
        _book.Ask(old, () => { });
        _book.Ask(fresh, () => { });
        _book.Forget(old);
        Assert.Equal(fresh.Hash, _book.External.Find("a.example")!.Hash);
        Assert.Null(_book.External.Find("old.example"));
        _book.Forget(fresh);
        Assert.Null(_book.External.Find("a.example"));
        Assert.Equal(0, _book.Internal.Count);
    }

    [Fact]
    public void RuleBook_TwoIngressesOfOneHost_TheOlderHasItUntilItGoes()
    {
        var older = Rules(Ingress("old", ["a.example"], created: 1), Public("r1"));
        var younger = Rules(Ingress("young", ["a.example"], created: 2), Public("r1"));
        _book.Ask(younger, () => { });
        _book.Ask(older, () => { });
        Assert.Equal(older.Hash, _book.External.Find("a.example")!.Hash);
        _book.Forget(older);
        Assert.Equal(younger.Hash, _book.External.Find("a.example")!.Hash);
    }

    [Fact]
    public void Reconcile_OurClass_IsReadyOnlyInForce()
    {
        var plan = Reconcile(Ingress("a", ["a.example"]), Public("r1"));
        Assert.True(ConditionSet.IsTrue(plan.Status!.Conditions));
        Assert.Equal(Options.InternalDomain, plan.Status.PrivateLoadBalancer!.Ingress![0].DomainInternal);
        Assert.NotNull(_book.External.Find("a.example"));

        var missing = Reconcile(Ingress("b", ["b.example"]));
        Assert.Equal("Unknown", ConditionSet.Find(missing.Status!.Conditions, "NetworkConfigured")!.Status);
    }

    [Theory]
    [InlineData("istio.ingress.networking.knative.dev", "knet.ingress.networking.knative.dev", false)]
    [InlineData("mine.example", "mine.example", true)]
    [InlineData("knet.ingress.networking.knative.dev", "mine.example", true)]
    public void Reconcile_ForeignClass_IsIgnored(string annotation, string configured, bool ours)
    {
        var ingress = Ingress("a", ["a.example"]);
        ingress.Metadata.Annotations[NetworkingKeys.IngressClass] = annotation;
        var plan = Reconcile(ingress, configured, Public("r1"));
        Assert.Equal(ours, plan.Status is not null);
        Assert.Equal(ours, _book.External.Find("a.example") is not null);
    }

    [Fact]
    public void SettingsOf_Revision_AreItsContainersPortAndLimits()
    {
        var settings = RevisionFeed.SettingsOf(new RevisionSpec
        {
            ContainerConcurrency = 3, TimeoutSeconds = 20, Containers =
            [
                new V1Container { Name = "side" },
                new V1Container { Name = "main", Ports = [new V1ContainerPort { ContainerPort = 9000, Name = "h2c" }] },
            ],
        });
        Assert.Equal((3, 9000, true, 20.0), (settings.ContainerConcurrency, settings.Port, settings.Http2, settings.Timeout.TotalSeconds));
    }

    [Fact]
    public void RuleBook_ThousandIngresses_ChangeOnlyTheirOwnHosts()
    {
        for (var i = 0; i < 1_000; i++)
        {
            var name = $"svc-{i}";
            _book.Ask(Rules(Ingress(name, [$"{name}.example", $"{name}.default", $"{name}.default.svc"]), Public("r1")), () => { });
        }

        Route other = _book.External.Find("svc-1.example")!;
        _book.Ask(Rules(Ingress("svc-2", ["svc-2.example"], splits: [("r1", 0)]), Public("r1")), () => { });
        Assert.Same(other, _book.External.Find("svc-1.example"));
        Assert.Equal(2_998, _book.Internal.Count);
    }

    private Knet.Kube.Controllers.Plan<IngressStatus> Reconcile(KnIngress ingress, params k8s.IKubernetesObject<V1ObjectMeta>[] objects) =>
        Reconcile(ingress, NetworkingKeys.KnetIngressClass, objects);

    private Knet.Kube.Controllers.Plan<IngressStatus> Reconcile(
        KnIngress ingress, string configured, params k8s.IKubernetesObject<V1ObjectMeta>[] objects) =>
        new IngressReconciler(Options).Reconcile(ingress, new FakeView(objects)
            .With(new GatewayConfig(configured))
            .Knowing<IngressRules, RulesInForce>(rules =>
                ((Knet.Kube.Facts.Fact<RulesInForce>.Known)_book.Ask(rules, () => { })).Value));

    private static IngressRules Rules(KnIngress ingress, params k8s.IKubernetesObject<V1ObjectMeta>[] objects) =>
        IngressModel.Build(ingress, new ServiceResolver(new FakeView(objects), Options.InternalDomain).Resolve);

    private static V1Service Public(string name) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = name, NamespaceProperty = "default",
            Labels = new Dictionary<string, string> { [NetworkingKeys.ServerlessService] = name },
        },
        Spec = new V1ServiceSpec(),
    };

    private static KnIngress Ingress(
        string name, List<string> hosts, string visibility = "ExternalIP", (string Service, int Percent)[]? splits = null,
        int created = 0) => new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name, NamespaceProperty = "default", CreationTimestamp = DateTime.UnixEpoch.AddSeconds(created), Generation = 1,
                Annotations = new Dictionary<string, string> { [NetworkingKeys.IngressClass] = NetworkingKeys.KnetIngressClass },
            },
            Spec = new IngressSpec
            {
                HttpOption = "Enabled",
                Rules =
                [
                    new IngressRule
                    {
                        Hosts = hosts, Visibility = visibility, Http = new HttpIngressRuleValue
                        {
                            Paths =
                            [
                                new HttpIngressPath
                                {
                                    Splits =
                                    [
                                        .. (splits ?? [("r1", 100)]).Select(s => new IngressBackendSplit
                                        {
                                            ServiceNamespace = "default", ServiceName = s.Service, ServicePort = 80, Percent = s.Percent,
                                        }),
                                    ],
                                },
                            ],
                        },
                    },
                ],
            },
        };

    private sealed class NoDialer : IInstanceDialer
    {
        public ValueTask<Stream> ConnectAsync(string podIp, int port, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no test dials");
    }
}
