using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Workloads.Autoscalers;
using Knet.ApiServer.Workloads.Deployments;
using Knet.ApiServer.Workloads.Disruptions;
using Knet.ApiServer.Workloads.Events;
using Knet.ApiServer.Workloads.Jobs;
using Knet.ApiServer.Workloads.Namespaces;
using Knet.ApiServer.Workloads.ReplicaSets;
using Knet.ApiServer.Workloads.Roles;
using Knet.ApiServer.Workloads.Scheduling;
using Knet.ApiServer.Workloads.Services;
using Knet.ApiServer.Workloads.Volumes;
using Knet.Kube.Client;
using Knet.Kube.Controllers;

namespace Knet.ApiServer.Workloads;

/// <summary>What the controllers of built-in kinds need to know of their cluster.</summary>
public sealed record WorkloadOptions
{
    /// <summary>PEM of the CA that pods trust for the API server.</summary>
    public required string ClusterCa { get; init; }

    /// <summary>All kinds served now, for emptying namespaces; usually <c>() => registry.Kinds</c>.</summary>
    public required Func<KindCatalog> Kinds { get; init; }

    /// <summary>Where volumes of the local-path class are made. Default: nowhere; claims are bound to volumes that somebody made.</summary>
    public LocalVolumes? Volumes { get; init; }

    /// <summary>As kube-apiserver.</summary>
    public static TimeSpan DefaultEventTtl { get; } = TimeSpan.FromHours(1);

    /// <summary>How long Events are kept. Default 1 hour.</summary>
    public TimeSpan EventTtl { get; init; } = DefaultEventTtl;
}

/// <summary>The controllers of Kubernetes' own kinds: what kube-controller-manager and kube-scheduler are on a cluster.</summary>
public static class WorkloadControllers
{
    /// <summary>Registers them all with a host that is not started yet.</summary>
    /// <param name="clientFor">
    /// A client with the identity of a system component, by its ServiceAccount's name in kube-system (<c>deployment-controller</c> …;
    /// <c>kube-scheduler</c> for the scheduler).
    /// </param>
    public static void Register(ControllerHost host, Func<string, KubeClient> clientFor, WorkloadOptions options)
    {
        host.Add("deployment-controller", new DeploymentReconciler(), clientFor("deployment-controller"), o =>
            o.FailureEvent = CreateFailed)
            .Reads<V1ReplicaSet>().Reads<V1Pod>();
        host.Add(
            "replicaset-controller", new ReplicaSetReconciler(), clientFor("replicaset-controller"),
            o => o.FailureEvent = ReplicaSetReconciler.FailureEvent).Reads<V1Pod>();
        host.Add("job-controller", new JobReconciler(), clientFor("job-controller"), o => o.FailureEvent = JobReconciler.FailureEvent)
            .Reads<V1Pod>();
        host.Add("job-pod-releaser", new JobPodReleaser(), clientFor("job-controller"), o => o.FailureEvent = NoEvent).Reads<V1Job>();
        host.Add("persistentvolume-controller", new ClaimReconciler(options.Volumes), clientFor("persistent-volume-binder"), o =>
            o.FailureEvent = NoEvent)
            .Reads<V1PersistentVolume>().Reads<V1StorageClass>().Reads<V1Pod>();
        host.Add("pv-controller", new VolumeReconciler(), clientFor("persistent-volume-binder"), o => o.FailureEvent = NoEvent)
            .Reads<V1PersistentVolumeClaim>();
        host.Add("ephemeral_volume", new EphemeralClaimReconciler(), clientFor("persistent-volume-binder"), o =>
            o.FailureEvent = CreateFailed).Reads<V1PersistentVolumeClaim>();
        host.Add("disruption-controller", new DisruptionReconciler(), clientFor("disruption-controller"), o => o.FailureEvent = NoEvent)
            .Reads<V1Pod>().Reads<V1ReplicaSet>().Reads<V1Deployment>();
        host.Add("endpoints-controller", new EndpointsReconciler(), clientFor("endpoint-controller"), o => o.FailureEvent = CreateFailed)
            .Reads<V1Pod>().Reads<V1Endpoints>().Reads<V1EndpointSlice>();
        host.Add(
            "endpointslicemirroring-controller", new EndpointSliceMirroringReconciler(), clientFor("endpointslicemirroring-controller"),
            o => o.FailureEvent = CreateFailed).Reads<V1Service>().Reads<V1EndpointSlice>();
        host.Add("namespace-controller", new NamespaceReconciler(options.ClusterCa), clientFor("namespace-controller"), o =>
            o.FailureEvent = CreateFailed)
            .Reads<V1ServiceAccount>().Reads<V1ConfigMap>();
        host.Add(
            "clusterrole-aggregation-controller", new RoleAggregationReconciler(), clientFor("clusterrole-aggregation-controller"), o =>
                o.FailureEvent = CreateFailed);
        host.Add(new Scheduler(
            clientFor("kube-scheduler"), host.Events, host.Time, host.Loggers.CreateLogger("Knet.Controllers.scheduler")));
        host.Add(new HorizontalAutoscaler(
            clientFor(HorizontalAutoscaler.Name), options.Kinds, host.Events, host.Time,
            host.Loggers.CreateLogger("Knet.Controllers.horizontal-pod-autoscaler")));
        host.Add(new NamespaceFinalizer(
            clientFor("namespace-controller"), () => Deletable(options.Kinds()), host.Time,
            host.Loggers.CreateLogger("Knet.Controllers.namespace-finalizer")));
        host.Add(new EventExpiry(
            clientFor("namespace-controller"), options.EventTtl, host.Time, host.Loggers.CreateLogger("Knet.Controllers.event-expiry")));
    }

    private static PlanEvent? CreateFailed(PlanStep step, KubeException error) =>
        step is CreateStep or EnsureStep ? new PlanEvent("Warning", "FailedToCreate", error.Message) : null;

    private static PlanEvent? NoEvent(PlanStep step, KubeException error) => null;

    private static IEnumerable<ResourceType> Deletable(KindCatalog kinds) =>
        kinds.All.Where(k => k.Type.Namespaced && !k.IsVirtual && k.Verbs.Contains("deletecollection") && k.Verbs.Contains("list"))
            .DistinctBy(k => (k.Type.Group, k.Type.Plural)).Select(k => k.Type);
}
