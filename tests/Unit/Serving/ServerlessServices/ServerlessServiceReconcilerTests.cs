using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Api.Serving;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Knet.Serving.ServerlessServices;
using Knet.Tests.Unit.Kube;
using Xunit;

namespace Knet.Tests.Unit.Serving.ServerlessServices;

public sealed class ServerlessServiceReconcilerTests
{
    [Fact]
    public void Deleting_DoesNothing()
    {
        var sks = Sks("Serve");
        sks.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Empty(Run(sks, Deployment()).Steps);
    }

    [Fact]
    public void WithoutDeployment_Waits()
    {
        var plan = Run(Sks("Serve"));
        Assert.Empty(plan.Steps);
        Assert.False(ConditionSet.IsTrue(plan.Status!.Conditions));
        Assert.Null(plan.Status.PrivateServiceName);
    }

    [Theory]
    [InlineData("Serve", true, true, "10.0.0.5", "False")]
    [InlineData("Serve", false, true, "10.0.0.1", "True")] // no pod is ready: forced to the activator
    [InlineData("Proxy", true, true, "10.0.0.1", "True")]
    [InlineData("Proxy", true, false, "10.0.0.5", "False")] // no activator: forced to the pods
    public void Endpoints_FollowTheMode(string mode, bool pods, bool activators, string address, string proxied)
    {
        var plan = Run(
            Sks(mode), Deployment(), Endpoints("ns", "r-private", pods ? "10.0.0.5" : null),
            Endpoints("knative-serving", "activator-service", activators ? "10.0.0.1" : null));
        var endpoints = Applied<V1Endpoints>(plan, "r");
        var subset = Assert.Single(endpoints.Subsets);
        Assert.Equal(address, Assert.Single(subset.Addresses).Ip);
        Assert.Equal([8012], subset.Ports.Select(p => p.Port));
        Assert.Equal(proxied, ConditionSet.Find(plan.Status!.Conditions, "ActivatorEndpointsPopulated")!.Status);
        Assert.Equal(pods ? "True" : "Unknown", ConditionSet.Find(plan.Status.Conditions, "Ready")!.Status);
    }

    [Fact]
    public void Services_AreNamedLabelledAndPorted()
    {
        var plan = Run(Sks("Proxy"), Deployment());
        var hidden = Applied<V1Service>(plan, "r-private");
        var open = Applied<V1Service>(plan, "r");
        Assert.Equal("Private", hidden.Metadata.Labels[NetworkingKeys.ServiceType]);
        Assert.Equal("u", hidden.Spec.Selector["serving.knative.dev/revisionUID"]);
        Assert.Equal("Public", open.Metadata.Labels[NetworkingKeys.ServiceType]);
        Assert.Null(open.Spec.Selector);
        Assert.Equal("http 80 8012", Text(open.Spec.Ports[0]));
        Assert.Equal(("r", "r-private"), (plan.Status!.ServiceName, plan.Status.PrivateServiceName));
    }

    [Fact]
    public void Http2_UsesItsOwnPorts()
    {
        var sks = Sks("Proxy");
        var plan = Run(sks with { Spec = sks.Spec with { ProtocolType = "h2c" } }, Deployment());
        var port = Applied<V1Service>(plan, "r").Spec.Ports[0];
        Assert.Equal("http2 81 8013", Text(port));
        Assert.Equal("kubernetes.io/h2c", port.AppProtocol);
    }

    [Fact]
    public void Stable_KeepsItsStatus()
    {
        var objects = new k8s.IKubernetesObject<V1ObjectMeta>[] { Deployment(), Endpoints("ns", "r-private", "10.0.0.5") };
        var first = Run(Sks("Serve"), objects);
        var second = Run(Sks("Serve") with { Status = first.Status! }, objects);
        Assert.Equal(KubeJson.Serialize(first.Status!), KubeJson.Serialize(second.Status!));
    }

    [Fact]
    public void NotOwned_SaysSo()
    {
        var plan = Run(Sks("Serve"), Deployment());
        var status = plan.OnFailure!(plan.Steps[0], KubeException.Of(409, "NotOwned", "not ours"));
        Assert.Equal("NotOwned", ConditionSet.Find(status.Conditions, "Ready")!.Reason);
    }

    [Fact]
    public void Choose_FewActivators_IsStable()
    {
        var all = Endpoints("x", "a", "10.0.0.1");
        all.Subsets[0].Addresses = [.. Enumerable.Range(1, 9).Select(i => new V1EndpointAddress { Ip = $"10.0.0.{i}" })];
        var chosen = RevisionEndpoints.Choose(all, 3, "r").Subsets.SelectMany(s => s.Addresses).Select(a => a.Ip).ToList();
        Assert.Equal(3, chosen.Count);
        all.Subsets[0].Addresses = [.. all.Subsets[0].Addresses.Reverse()];
        Assert.Equal(chosen.Order(), RevisionEndpoints.Choose(all, 3, "r").Subsets.SelectMany(s => s.Addresses).Select(a => a.Ip).Order());
    }

    private static Plan<ServerlessServiceStatus> Run(KnServerlessService sks, params k8s.IKubernetesObject<V1ObjectMeta>[] objects) =>
        new ServerlessServiceReconciler("knative-serving").Reconcile(sks, new FakeView(objects));

    private static T Applied<T>(Plan<ServerlessServiceStatus> plan, string name) where T : class => KubeJson.Deserialize<T>(
        plan.Steps.OfType<ApplyStep>().Single(s => s.Key.Name == name && s.Type == ResourceType.Of<T>()).Body.Span);

    private static string Text(V1ServicePort port) => $"{port.Name} {port.Port} {(string)port.TargetPort}";

    private static KnServerlessService Sks(string mode) => new()
    {
        Metadata = new V1ObjectMeta { Name = "r", NamespaceProperty = "ns", Uid = "s", Generation = 1 },
        Spec = new ServerlessServiceSpec
        {
            Mode = mode, ProtocolType = "http1", NumActivators = 2, ObjectRef = new V1ObjectReference { Name = "r-deployment" },
        },
    };

    private static V1Deployment Deployment() => new()
    {
        Metadata = new V1ObjectMeta { Name = "r-deployment", NamespaceProperty = "ns" },
        Spec = new V1DeploymentSpec
        {
            Selector = new V1LabelSelector { MatchLabels = new Dictionary<string, string> { ["serving.knative.dev/revisionUID"] = "u" } },
        },
    };

    private static V1Endpoints Endpoints(string ns, string name, string? ip) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = ns },
        Subsets = ip is null
            ? []
            :
            [
                new V1EndpointSubset
                {
                    Addresses = [new V1EndpointAddress { Ip = ip }],
                    Ports = [new Corev1EndpointPort { Name = "http", Port = 8012 },
                        new Corev1EndpointPort { Name = "http-autometric", Port = 9090 }],
                },
            ],
    };
}
