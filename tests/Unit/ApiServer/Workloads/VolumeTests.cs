using System.Text.Json.Nodes;
using k8s.Models;
using Knet.ApiServer.Workloads.Scheduling;
using Knet.ApiServer.Workloads.Volumes;
using Knet.Kube.Client;
using Knet.Kube.Controllers;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Workloads;

/// <summary>Claims and volumes.</summary>
public sealed class VolumeTests
{
    private static readonly LocalVolumes Where = new("/data/volumes", "n1");
    private static readonly V1StorageClass Local = new()
    {
        Metadata = new V1ObjectMeta { Name = "local-path" }, Provisioner = LocalPathClass.Provisioner, ReclaimPolicy = "Delete",
    };

    [Fact]
    public void Claim_OfTheLocalClass_GetsADirectoryOfItsOwn()
    {
        var plan = Look(Claim(), Local);
        var volume = new KubeDocument(Assert.IsType<CreateStep>(plan.Steps[0]).Body).As<V1PersistentVolume>();
        Assert.Equal("/data/volumes/pvc-uid-c_default_c", volume.Spec.HostPath.Path);
        Assert.Equal(("uid-c", "Delete"), (volume.Spec.ClaimRef.Uid, volume.Spec.PersistentVolumeReclaimPolicy));
        Assert.Equal("pvc-uid-c", JsonNode.Parse(Assert.IsType<PatchStep>(plan.Steps[1]).Body.Span)!["spec"]!["volumeName"]!.ToString());
        Assert.Equal(("Bound", "1Gi"), (plan.Status!.Phase, plan.Status.Capacity["storage"].ToString()));
        Assert.Equal("Pending", plan.OnFailure!(plan.Steps[0], KubeException.Of(500, "InternalError", "no")).Phase);
    }

    [Fact]
    public void Claim_TakesTheSmallestVolumeThatFits()
    {
        var plan = Look(Claim(), Local, Volume("big", "9Gi"), Volume("fit", "2Gi"), Volume("small", "1Mi"), Volume("taken", "1Gi", claim: "other"));
        Assert.Equal(["fit", "c"], plan.Steps.Select(s => s.Key.Name));
        Assert.Equal("2Gi", plan.Status!.Capacity["storage"].ToString());
    }

    [Fact]
    public void Claim_WithoutAVolume_SaysWhy()
    {
        var claim = Claim();
        Assert.Equal("storageclass.storage.k8s.io \"local-path\" not found", Assert.Single(Look(claim).Events).Message);
        var waiting = Local with { VolumeBindingMode = "WaitForFirstConsumer" };
        Assert.Equal("WaitForFirstConsumer", Assert.Single(Look(claim, waiting).Events).Reason);
        Assert.Equal("Bound", Look(claim, waiting, User()).Status!.Phase);
        claim.Spec.StorageClassName = "";
        Assert.Equal("no persistent volumes available for this claim and no storage class is set", Assert.Single(Look(claim).Events).Message);
    }

    [Fact]
    public void PodsClaims_SayWhatTheyWaitFor()
    {
        var bound = Claim() with { Status = new V1PersistentVolumeClaimStatus { Phase = "Bound" } };
        bound.Spec.VolumeName = "v";
        Assert.Null(Check(bound));
        Assert.Equal("persistentvolumeclaim \"c\" not found", Check(null));
        Assert.Equal("pod has unbound immediate PersistentVolumeClaims", Check(Claim()));
        Assert.Equal(ClaimsOfPod.BeingBound, Check(Claim(), Local with { VolumeBindingMode = "WaitForFirstConsumer" }));
        Assert.Equal(
            "persistentvolumeclaim \"c\" bound to non-existent persistentvolume \"v\"",
            Check(bound with { Status = new V1PersistentVolumeClaimStatus { Phase = "Lost" } }));
        bound.Metadata.DeletionTimestamp = DateTime.UnixEpoch;
        Assert.Equal("persistentvolumeclaim \"c\" is being deleted", Check(bound));
    }

    [Fact]
    public void PodsThatFitNowhere_WaitLongerEachTime() => Assert.Equal(
        [1, 2, 4, 8, 10, 10, 10], new[] { 1, 2, 3, 4, 5, 6, 60 }.Select(n => Scheduler.BackoffOf(n).TotalSeconds));

    private static string? Check(V1PersistentVolumeClaim? claim, V1StorageClass? @class = null) =>
        ClaimsOfPod.Check(User(), _ => claim, _ => @class ?? Local);

    [Fact]
    public void Claim_InUse_IsKeptUntilItsPodHasGone()
    {
        var claim = Claim();
        claim.Metadata.DeletionTimestamp = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        claim.Metadata.Finalizers = ["kubernetes.io/pvc-protection"];
        Assert.Empty(Look(claim, User()).Steps);
        Assert.Single(Look(claim).Steps);
        Assert.Single(Look(claim, User() with { Status = new V1PodStatus { Phase = "Succeeded" } }).Steps);
    }

    [Fact]
    public void BoundClaim_WhoseVolumeWent_IsLost()
    {
        var claim = Claim() with { Status = new V1PersistentVolumeClaimStatus { Phase = "Bound" } };
        claim.Spec.VolumeName = "gone";
        Assert.Equal("Lost", Look(claim).Status!.Phase);
    }

    [Fact]
    public void Volume_FollowsItsClaim_AndItsPolicy()
    {
        var volume = LocalPathClass.VolumeFor(Claim(), Local, Where);
        Assert.Equal("Bound", Phase(volume, Claim()));
        Assert.Equal("Released", Phase(volume));
        Assert.IsType<DeleteStep>(Assert.Single(new VolumeReconciler().Reconcile(volume, new FakeView(volume)).Steps));
        volume.Spec.PersistentVolumeReclaimPolicy = "Retain";
        Assert.Empty(new VolumeReconciler().Reconcile(volume, new FakeView(volume)).Steps);
        Assert.Equal("Available", Phase(Volume("free", "1Gi")));
    }

    [Fact]
    public async Task Claim_OverTheApi_GetsTheDefaultClass_AndMayNotChange()
    {
        await using var cluster = await WorkloadCluster.StartAsync();
        await LocalPathClass.EnsureAsync(cluster.Client, CancellationToken.None);
        var claim = Claim();
        claim.Spec.StorageClassName = null;
        var made = await cluster.Client.CreateAsync(claim, CancellationToken.None);
        Assert.Equal(("local-path", "Filesystem", "Pending"), (made.Spec.StorageClassName, made.Spec.VolumeMode, made.Status.Phase));
        Assert.Equal(["kubernetes.io/pvc-protection"], made.Metadata.Finalizers);
        var changed = await Assert.ThrowsAsync<KubeException>(() => cluster.Client.UpdateAsync(
            made with { Spec = made.Spec with { AccessModes = ["ReadWriteMany"] } }, CancellationToken.None));
        Assert.Contains("spec is immutable after creation except", changed.Message);
        var empty = await Assert.ThrowsAsync<KubeException>(() => cluster.Client.CreateAsync(
            new V1PersistentVolumeClaim { Metadata = new V1ObjectMeta { Name = "e", NamespaceProperty = "default" }, Spec = new() },
            CancellationToken.None));
        Assert.Contains("spec.accessModes: Required value: at least 1 access mode is required", empty.Message);
        Assert.Contains("spec.resources[storage]: Required value", empty.Message);
    }

    private static string Phase(V1PersistentVolume volume, params V1PersistentVolumeClaim[] claims) =>
        new VolumeReconciler().Reconcile(volume, new FakeView([volume, .. claims])).Status!.Phase;

    private static Plan<V1PersistentVolumeClaimStatus> Look(
        V1PersistentVolumeClaim claim, params k8s.IKubernetesObject<V1ObjectMeta>[] others) =>
        new ClaimReconciler(Where).Reconcile(claim, new FakeView([claim, .. others]));

    private static V1PersistentVolumeClaim Claim() => new()
    {
        ApiVersion = "v1",
        Kind = "PersistentVolumeClaim",
        Metadata = new V1ObjectMeta { Name = "c", NamespaceProperty = "default", Uid = "uid-c" },
        Spec = new V1PersistentVolumeClaimSpec
        {
            AccessModes = ["ReadWriteOnce"],
            StorageClassName = "local-path",
            Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = "1Gi" } },
        },
    };

    private static V1PersistentVolume Volume(string name, string size, string? claim = null) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Uid = "uid-" + name },
        Spec = new V1PersistentVolumeSpec
        {
            AccessModes = ["ReadWriteOnce", "ReadOnlyMany"],
            StorageClassName = "local-path",
            Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = size },
            ClaimRef = claim is null ? null : new V1ObjectReference { Name = claim, NamespaceProperty = "default", Uid = "uid-x" },
        },
    };

    private static V1Pod User() => new()
    {
        Metadata = new V1ObjectMeta { Name = "p", NamespaceProperty = "default" },
        Spec = new V1PodSpec
        {
            Volumes = [new V1Volume { Name = "v", PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "c" } }],
        },
    };
}
