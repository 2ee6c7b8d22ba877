using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Facts;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Kube;

public sealed class ControllerTests : IAsyncDisposable
{
    private readonly FakeTransport _api = new();
    private readonly FakeTimeProvider _time = new();
    private readonly InformerFactory _informers;
    private readonly ConfigSource _config = new("knative-serving", NullLogger.Instance);
    private readonly EventRecorder _events;
    private readonly ControllerHost _host;
    private readonly Numbers _numbers = new();
    private Func<V1Deployment, IView, Plan<V1DeploymentStatus>> _decide = static (_, _) => new(null);
    private int _reconciles;

    public ControllerTests()
    {
        var client = new KubeClient(_api, "tests");
        _informers = new InformerFactory(_api, _time, NullLoggerFactory.Instance);
        _config.Register(new ConfigKind<Limits>("config-limits", data =>
            new Limits(data.TryGetValue("max", out var max) ? ParseMax(max) : 1)));
        _events = new EventRecorder(client, _time, NullLogger.Instance);
        _config.Events = _events;
        _host = new ControllerHost(_informers, _config, _events, _time, NullLoggerFactory.Instance);
        _host.Facts.Add(_numbers);
        _host.Add("tests", new Reconciler(this), client).Reads<V1ConfigMap>().Reads<V1Service>().Reads<KnServerlessService>();
        _api.Put(new V1Deployment { Metadata = new V1ObjectMeta { NamespaceProperty = "ns", Name = "d", Uid = "d-uid", Generation = 1 } });
    }

    [Fact]
    public async Task Steps_RunInOrder_StatusLast_ThenNothing()
    {
        _decide = (d, _) => new(new V1DeploymentStatus { ObservedGeneration = 1 })
        {
            Steps = [PlanStep.Apply(Service(d, "s")), PlanStep.Create(Owned(InformerTests.Map("m"), d)), PlanStep.Ensure(Sks(d, "Serve"))],
        };
        await StartAsync();
        await FakeTransport.Until(() => _api.Writes.Count == 4);
        Assert.Equal(
            ["Patch services/s", "Create configmaps/m", "Create serverlessservices/k", "Update deployments/d/status"], _api.TakeWrites());

        await SettleAsync();
        Assert.Empty(_api.TakeWrites());
        Assert.Equal(1, _api.Find<V1Deployment>("ns", "d")!.Status.ObservedGeneration);
    }

    [Fact]
    public async Task ForeignEdit_IsPutBack_ServersAdditionsAreNot()
    {
        _decide = (d, _) => new(null) { Steps = [PlanStep.Apply(Service(d, "s")), PlanStep.Ensure(Sks(d, "Serve"))] };
        await StartAsync();
        await FakeTransport.Until(() => _api.Writes.Count == 2);
        await SettleAsync();
        _api.TakeWrites();

        var service = _api.Find<V1Service>("ns", "s")!;
        _api.Put(service with { Spec = service.Spec with { ClusterIP = "10.0.0.1" } });
        await SettleAsync();
        Assert.Empty(_api.TakeWrites());

        _api.Put(service with { Spec = service.Spec with { Type = "NodePort" } });
        var sks = _api.Find<KnServerlessService>("ns", "k")!;
        _api.Put(sks with { Spec = sks.Spec with { Mode = "Proxy" } });
        await FakeTransport.Until(() => _api.Find<KnServerlessService>("ns", "k")!.Spec.Mode == "Serve"
            && _api.Find<V1Service>("ns", "s")!.Spec.Type == "ClusterIP");
        await SettleAsync();
        Assert.Equal(["Patch services/s", "Update serverlessservices/k"], _api.TakeWrites().Order());
    }

    [Fact]
    public async Task FailedStep_StopsTheRest_AndStatusIsWrittenByOnFailure()
    {
        _api.Fail = r => r.Verb == KubeVerb.Create && r.Type.Kind == "ConfigMap" ? KubeException.Of(403, "Forbidden", "exceeded quota")
            : null;
        _decide = (d, _) => new(new V1DeploymentStatus { Replicas = 1 })
        {
            Steps = [PlanStep.Create(Owned(InformerTests.Map("m"), d)), PlanStep.Apply(Service(d, "s"))],
            OnFailure = (step, error) => new V1DeploymentStatus
            {
                CollisionCount = 7, Replicas = error.Message == "exceeded quota" ? 3
                : 4
            },
        };
        await StartAsync();
        await FakeTransport.Until(() => _api.Find<V1Deployment>("ns", "d")!.Status?.Replicas == 3);
        Assert.Null(_api.Find<V1Service>("ns", "s"));

        _api.Fail = static _ => null;
        await FakeTransport.Until(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            return _api.Find<V1Deployment>("ns", "d")!.Status.Replicas == 1;
        });
        Assert.NotNull(_api.Find<V1Service>("ns", "s"));
        await FakeTransport.Until(() => _api.All<Corev1Event>().Any(
            e => e.Reason == "InternalError" && e.Message == "exceeded quota"));
    }

    [Theory]
    [InlineData("apply")]
    [InlineData("ensure")]
    [InlineData("create")]
    public async Task ChildOfSomebodyElse_IsNeverTouched(string how)
    {
        var other = new V1Deployment { Metadata = new V1ObjectMeta { Name = "other", Uid = "other-uid" } };
        _api.Put(Owned(Service(other, "s"), other));
        _api.Put(Sks(other, "Proxy"));
        var failure = "";
        _decide = (d, _) => new(null)
        {
            Steps = [how switch
            {
                "apply" => PlanStep.Apply(Service(d, "s")),
                "ensure" => PlanStep.Ensure(Sks(d, "Serve")),
                _ => PlanStep.Create(Service(d, "s")),
            }],
            OnFailure = (_, error) =>
            {
                failure = error.Reason;
                return new V1DeploymentStatus { Replicas = 9 };
            },
        };
        await StartAsync();
        await FakeTransport.Until(() => _api.Find<V1Deployment>("ns", "d")!.Status?.Replicas == 9);

        Assert.Equal(how == "create" ? "AlreadyExists" : "NotOwned", failure);
        Assert.Equal("other-uid", _api.Find<V1Service>("ns", "s")!.Metadata.OwnerReferences[0].Uid);
        Assert.Equal("Proxy", _api.Find<KnServerlessService>("ns", "k")!.Spec.Mode);
    }

    [Fact]
    public async Task LaggingCache_DoesNotCreateTwice()
    {
        _decide = (d, view) => new(null)
        {
            Steps = view.Owned<V1ConfigMap>(d.Metadata).Count < 3
                ? [PlanStep.Create(Owned(InformerTests.Map(null!) is var m ? m with { Metadata = m.Metadata with { GenerateName = "m-" } }
                    : m, d))]
                : [],
        };
        await StartAsync(deliver: false);
        await FakeTransport.Until(() => _api.All<V1ConfigMap>().Count == 3);
        await SettleAsync();
        Assert.Equal(3, _api.All<V1ConfigMap>().Count(m => m.Metadata.Name.StartsWith("m-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Conflict_IsRetriedSilently()
    {
        var conflicts = 2;
        _api.Fail = r => r.Subresource == "status" && conflicts-- > 0 ? KubeException.Of(409, "Conflict", "modified") : null;
        _decide = (_, _) => new(new V1DeploymentStatus { Replicas = 2 });
        await StartAsync();
        await FakeTransport.Until(() =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            return _api.Find<V1Deployment>("ns", "d")!.Status?.Replicas == 2;
        });
        Assert.Empty(_api.All<Corev1Event>());
    }

    [Fact]
    public async Task WhatWasRead_Wakes_AndNothingElse()
    {
        _decide = (d, view) =>
        {
            view.Get<V1ConfigMap>("ns", "absent");
            view.Labelled<V1Service>("ns", "app", "x");
            return new(new V1DeploymentStatus
            {
                Replicas = view.Config<Limits>().Max,
                ReadyReplicas = view.Fact<string, int>("q") is Fact<int>.Known known ? known.Value : null,
            });
        };
        await StartAsync();
        await FakeTransport.Until(() => _api.Find<V1Deployment>("ns", "d")!.Status?.Replicas == 1);
        await ExpectWakeAsync(true, () => _api.Put(InformerTests.Map("absent")));
        await ExpectWakeAsync(false, () => _api.Put(InformerTests.Map("unread")));
        await ExpectWakeAsync(true, () => _api.Put(Service(null, "s", "x")));
        await ExpectWakeAsync(false, () => _api.Put(Service(null, "t", "y")));
        await ExpectWakeAsync(true, () => _api.Put(Service(null, "s", "y")));
        await ExpectWakeAsync(false, () => _api.Put(Service(null, "s", "z")));
        _numbers.Answer("q", 5);
        await FakeTransport.Until(() => _api.Find<V1Deployment>("ns", "d")!.Status.ReadyReplicas == 5);

        _api.Put(Limit("4"));
        await FakeTransport.Until(() => _api.Find<V1Deployment>("ns", "d")!.Status.Replicas == 4);
        _api.Put(Limit("many"));
        await SettleAsync();
        Assert.Equal(4, _config.Get<Limits>().Max);
        await FakeTransport.Until(() => _api.All<Corev1Event>().Any(e => e.Reason == "InvalidConfiguration"
            && e.InvolvedObject.Name == "config-limits"));

        _api.Remove<V1Deployment>("ns", "d");
        await FakeTransport.Until(() => _numbers.Forgotten.Contains("q"));
    }

    [Fact]
    public async Task RequeueAfter_LooksAgain()
    {
        _decide = (_, view) => new(null) { RequeueAfter = TimeSpan.FromMinutes(1) };
        await StartAsync();
        await FakeTransport.Until(() => _reconciles == 1);
        await ExpectWakeAsync(true, () => _time.Advance(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task Start_DoesNotWaitForTheFirstQueue()
    {
        using var started = new ManualResetEventSlim();
        var inTime = true;
        _decide = (_, _) =>
        {
            inTime &= started.Wait(TimeSpan.FromSeconds(10));
            return new(null);
        };
        await StartAsync();
        started.Set();
        await FakeTransport.Until(() => _reconciles == 1);
        Assert.True(inTime);
    }

    [Fact]
    public async Task UndeclaredRead_IsAnErrorThatSaysSo_AndWorkGoesOn()
    {
        Exception? error = null;
        _decide = (_, view) =>
        {
            error = Record.Exception(() => view.Get<V1Secret>("ns", "s"));
            return new(null);
        };
        await StartAsync();
        await FakeTransport.Until(() => error is not null);
        Assert.Contains(".Reads<V1Secret>()", error!.Message);
    }

    [Fact]
    public async Task SameEvent_IsCounted_AndFloodsAreBounded()
    {
        var about = _api.Find<V1Deployment>("ns", "d")!;
        for (var i = 0; i < 40; i++)
        {
            _events.Record("tests", about, new PlanEvent("Normal", "Happened", "again"));
        }

        await FakeTransport.Until(() => _api.All<Corev1Event>() is [{ Count: 25 }]);
        _events.Record("tests", about with { Metadata = about.Metadata with { Uid = "other" } },
            new PlanEvent("Normal", "Happened", "again"));
        await FakeTransport.Until(() => _api.All<Corev1Event>().Count == 2);
        Assert.Contains(_api.All<Corev1Event>(), e => e.Count == 25);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _events.DisposeAsync();
        await _informers.DisposeAsync();
        _config.Dispose();
    }

    private static int ParseMax(string text) => int.TryParse(text, out var max) ? max
        : throw new FormatException($"max: {text} is no number");

    private static V1ConfigMap Limit(string max) => new()
    {
        Metadata = new V1ObjectMeta { NamespaceProperty = "knative-serving", Name = "config-limits" },
        Data = new Dictionary<string, string> { ["max"] = max },
    };

    private static T Owned<T>(T value, V1Deployment owner) where T : k8s.IKubernetesObject<V1ObjectMeta>
    {
        value.Metadata.OwnerReferences =
            [new V1OwnerReference { ApiVersion = "apps/v1", Kind = "Deployment", Name = owner.Metadata.Name, Uid = owner.Metadata.Uid,
                Controller = true }];
        return value;
    }

    private static V1Service Service(V1Deployment? owner, string name, string app = "a")
    {
        var service = new V1Service
        {
            ApiVersion = "v1",
            Kind = "Service",
            Metadata = new V1ObjectMeta
            {
                NamespaceProperty = "ns", Name = name, Labels = new Dictionary<string,
                string>
                { ["app"] = app }
            },
            Spec = new V1ServiceSpec { Type = "ClusterIP" },
        };
        return owner is null ? service : Owned(service, owner);
    }

    private static KnServerlessService Sks(V1Deployment owner, string mode) => Owned(
        new KnServerlessService
        {
            Metadata = new V1ObjectMeta { NamespaceProperty = "ns", Name = "k" }, Spec = new ServerlessServiceSpec { Mode = mode },
        }, owner);

    private async Task StartAsync(bool deliver = true)
    {
        _config.Follow(_informers.Get<V1ConfigMap>());
        _api.Deliver = deliver;
        await _host.StartAsync(CancellationToken.None);
    }

    private async Task ExpectWakeAsync(bool wake, Action change)
    {
        await SettleAsync();
        var before = _reconciles;
        change();
        if (wake)
        {
            await FakeTransport.Until(() => _reconciles > before);
        }
        else
        {
            await SettleAsync(touch: false);
            Assert.Equal(before, _reconciles);
        }
    }

    // A marker that travels the same way as everything before it: when it has arrived, everything before has been dealt with.
    private async Task SettleAsync(bool touch = true)
    {
        for (var quiet = 0; quiet < 3; quiet++)
        {
            var before = _reconciles;
            if (touch)
            {
                _api.Put(_api.Find<V1Deployment>("ns", "d")! is var d ? d with { Metadata = d.Metadata } : null!);
                if (_api.Deliver)
                {
                    await FakeTransport.Until(() => _reconciles > before);
                }
            }

            var marker = $"marker-{Guid.NewGuid():n}";
            _api.Put(new V1Service { Metadata = new V1ObjectMeta { NamespaceProperty = "markers", Name = marker } });
            _api.Put(new V1ConfigMap { Metadata = new V1ObjectMeta { NamespaceProperty = "markers", Name = marker } });
            if (_api.Deliver)
            {
                await FakeTransport.Until(() => _informers.Get<V1Service>().Find("markers", marker) is not null
                    && _informers.Get<V1ConfigMap>().Find("markers", marker) is not null);
            }

            for (var i = 0; i < 200; i++)
            {
                await Task.Yield();
            }
        }
    }

    private sealed record Limits(int Max);

    private sealed class Reconciler(ControllerTests test) : IReconciler<V1Deployment, V1DeploymentStatus>
    {
        public Plan<V1DeploymentStatus> Reconcile(V1Deployment resource, IView view)
        {
            Interlocked.Increment(ref test._reconciles);
            return test._decide(resource, view);
        }
    }

    private sealed class Numbers : IFactSource<string, int>
    {
        private int? _known;
        private Action? _wake;

        public List<string> Forgotten { get; } = [];

        public Fact<int> Ask(string query, Action wake)
        {
            _wake = wake;
            return _known is { } value ? new Fact<int>.Known(value) : Fact<int>.Pending.Instance;
        }

        public void Forget(string query) => Forgotten.Add(query);

        public void Answer(string query, int value)
        {
            _known = value;
            _wake!();
        }
    }
}
