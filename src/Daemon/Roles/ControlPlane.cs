using System.Net;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Workloads;
using Knet.ApiServer.Workloads.Volumes;
using Knet.Daemon.Roles.Installed;
using Knet.DataPlane.Stats;
using Knet.Eventing;
using Knet.Eventing.Webhook;
using Knet.Gateway;
using Knet.Gateway.Embedded;
using Knet.Gateway.Tls;
using Knet.Gateway.Tls.Acme;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Knet.Kube.Config;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Knet.Oci;
using Knet.Serving;
using Knet.Serving.Autoscaler;
using Knet.Serving.Webhook;
using Microsoft.Extensions.Logging;

namespace Knet.Daemon.Roles;

/// <summary>What the control plane needs from the roles around it.</summary>
internal sealed record ControlPlaneOptions
{
    public required ApiServerOptions Api { get; init; }
    public required ClusterCa Ca { get; init; }
    public required IImages Images { get; init; }

    /// <summary>How long Events are kept. Default 1 hour.</summary>
    public TimeSpan EventsTtl { get; init; } = WorkloadOptions.DefaultEventTtl;

    public required IRevisionStats Stats { get; init; }
    public required ColdStarts ColdStarts { get; init; }

    /// <summary>Where pods reach this process: the address of the pods that stand for it.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Where the node keeps volumes of the local-path class; null where it has none.</summary>
    public LocalVolumes? Volumes { get; init; }

    /// <summary>Signs the hosts of Services.</summary>
    public required ClusterCa DomainCa { get; init; }

    /// <summary>What the gateway answers to ACME servers.</summary>
    public ChallengeBook Challenges { get; init; } = new();

    /// <summary>The gateway's ports as clients outside see them.</summary>
    public GatewayPorts Ports { get; init; } = GatewayPorts.Default;
}

/// <summary>
/// The API server and every controller, in one process, each part with an identity of its own on an in-process connection. The system tests
/// run exactly this, with a node that starts no containers.
/// </summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly ControlPlaneOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;

    private ControlPlane(ControlPlaneOptions options)
    {
        _options = options;
        _loggers = options.Api.Loggers;
        _time = options.Api.Time;
    }

    public ApiServerCore Core { get; private set; } = null!;
    public ServiceAccountTokens Tokens { get; private set; } = null!;
    public RbacAuthorizer Authorizer { get; } = new();

    /// <summary>Caches shared by all in-process readers.</summary>
    public InformerFactory Informers { get; private set; } = null!;

    public ConfigSource Config { get; private set; } = null!;
    public ControllerHost Host { get; private set; } = null!;

    /// <summary>Opens the store and makes what every installation has; nothing is reconciled yet.</summary>
    public static async Task<ControlPlane> OpenAsync(ControlPlaneOptions options, CancellationToken cancellationToken)
    {
        var plane = new ControlPlane(options);
        await plane.OpenCoreAsync(cancellationToken);
        return plane;
    }

    public KubeClient Connect(KubeUser user, string fieldManager) => new(Core.Connect(user), fieldManager);

    /// <summary>Registers the controllers and starts them when every cache they read is complete.</summary>
    public async Task StartAsync(Action<ControlPlane>? register, CancellationToken cancellationToken)
    {
        WorkloadControllers.Register(
            Host,
            name => Connect(Identities.Workload(name), name),
            new WorkloadOptions
            {
                ClusterCa = _options.Ca.CertificatePem, Kinds = () => Core.Registry.Kinds, EventTtl = _options.EventsTtl,
                Volumes = _options.Volumes,
            });
        _owned.Add(new Owned(ServingControllers.Register(Host, Connect(Identities.Serving, "knet-controller"), _options.Images)));
        var scaling = AutoscalerControllers.Register(
            Host, Connect(Identities.Autoscaler, "knet-autoscaler"), _options.Stats, _options.ColdStarts);
        _owned.Add(new Owned(scaling));
        Host.Add("installed-roles", new InstalledReconciler(), Connect(Identities.Serving, "knet-controller"))
            .Reads<V1ServiceAccount>().Reads<V1Deployment>().Reads<V1Service>();
        Host.Add("role-pods", new RolePodReconciler(_options.Address), Connect(Identities.Node(InstalledRole.NodeName), "knetd"));
        Host.Add("role-leases", new RoleLeaseReconciler(), Connect(Identities.Serving, "knet-controller")).Reads<V1Pod>().Reads<V1Lease>();

        EventingControllers.Register(Host, Connect(Identities.Eventing, "knet-eventing"));
        _owned.Add(new Owned(CertificateControllers.Register(
            Host, Connect(Identities.Gateway, "knet-certificates"), new DomainAuthority(_options.DomainCa), _options.Challenges,
            new GatewayOptions())));
        register?.Invoke(this);
        await Host.StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null)
        {
            await Host.DisposeAsync();
        }

        for (var i = _owned.Count - 1; i >= 0; i--)
        {
            await _owned[i].DisposeAsync();
        }

        if (Core is not null)
        {
            await Core.DisposeAsync();
        }
    }

    private async Task OpenCoreAsync(CancellationToken cancellationToken)
    {
        Config = new ConfigSource(Identities.SystemNamespace, _loggers.CreateLogger<ConfigSource>());
        _owned.Add(new Owned(Config));
        ServingControllers.RegisterConfig(Config);
        EventingControllers.RegisterConfig(Config);
        Config.Register(AutoscalerConfig.Kind).Register(GatewayConfig.Kind).Register(CertificateConfig.Kind);
        Core = await ApiServerCore.StartAsync(
            _options.Api with
            {
                ClusterCa = _options.Ca.CertificatePem,
                Plugins =
                [
                    .. _options.Api.Plugins, new ServingAdmission(Config, TryPod), new EventingAdmission(Config), new InstalledAdmission(),
                    new NativeDefinitions(),
                ],
                Access = AccessTo,
            },
            cancellationToken);
        var admin = Connect(ApiServerCore.System, "knetd");
        await Identities.EnsureRolesAsync(admin, cancellationToken);
        await LocalPathClass.EnsureAsync(admin, cancellationToken);
        await InstalledAccess.EnsureAsync(admin, cancellationToken);
        await KnativeObjects.EnsureAsync(admin, _options.Ports, cancellationToken);
        await EventingObjects.EnsureAsync(admin, cancellationToken);
        await new DomainAuthority(_options.DomainCa).PublishAsync(admin, cancellationToken);

        Informers = new InformerFactory(Core.Connect(Identities.Reader), _time, _loggers);
        _owned.Add(Informers);
        Config.Follow(Informers.Get<V1ConfigMap>());
        var events = new EventRecorder(Connect(Identities.Reader, "knet-events"), _time, _loggers.CreateLogger<EventRecorder>());
        _owned.Add(events);
        Config.Events = events;
        Host = new ControllerHost(Informers, Config, events, _time, _loggers);
    }

    // In process a dry run waits for nothing: nothing is stored.
    private string? TryPod(V1Pod pod)
    {
        var request = new KubeRequest(KubeVerb.Create, ResourceType.Of<V1Pod>())
        {
            Namespace = pod.Metadata.NamespaceProperty, Body = KubeJson.Serialize(pod), DryRun = true,
        };
        try
        {
            Core.Connect(ApiServerCore.System).SendAsync(request, CancellationToken.None).GetAwaiter().GetResult();
            return null;
        }
        catch (KubeException e)
        {
            return e.Message;
        }
    }

    private AccessControl AccessTo(IRegistry registry)
    {
        var lookup = new RegistryLookup(() => registry);
        Tokens = new ServiceAccountTokens(_options.Ca.SigningKey("service-accounts"), ServiceAccountTokens.DefaultIssuer, lookup, _time);
        return new AccessControl(Authorizer, new VirtualKinds(Authorizer, Tokens, lookup).HandleAsync, Tokens);
    }

    /// <summary>Ends something that is disposed at once, in the order of the rest.</summary>
    private sealed class Owned(IDisposable inner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            inner.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
