using System.Globalization;
using System.Reflection;
using k8s.Models;
using Knet.Api.Serving.V1;
using Knet.ApiServer;
using Knet.DataPlane.Stats;
using Knet.Daemon.Roles;
using Knet.Daemon.Startup;
using Knet.Kube.Client;
using Knet.Oci;
using Microsoft.AspNetCore.Http;

namespace Knet.Daemon.Admin;

/// <summary>What the administration socket answers. Everything that the Kubernetes API can do is left to it.</summary>
internal sealed class AdminRoutes(
    DaemonOptions options, Steps steps, ControlPlane plane, PodMachine machine, KubeletProxy kubelet,
    int gatewayPort, Action shutDown, TimeProvider time)
{
    private static readonly string Version =
        typeof(AdminRoutes).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private readonly KubeClient _client = plane.Connect(ApiServerCore.System, "knet");

    /// <summary>A URL that carries the port only when it must.</summary>
    public static string GatewayUrl(string host, int port) =>
        port == 80 ? $"http://{host}" : $"http://{host}:{port.ToString(CultureInfo.InvariantCulture)}";

    public void MapAll(AdminServer server)
    {
        server.Map("GET /v1/status", StatusAsync);
        server.Map("POST /v1/shutdown", ShutDownAsync);
        server.Map("GET /v1/images", ListImagesAsync);
        server.Map("POST /v1/images", LoadImageAsync);
        server.Map("DELETE /v1/images", RemoveImageAsync);
        server.Map("GET /v1/coldstarts", ColdStartsAsync);
        server.Map("GET /v1/memory", MemoryAsync);
        server.Map("GET /v1/logs", new ServiceLogs(_client, kubelet, options).HandleAsync);
        server.Map("POST /v1/apply", new ApplyFiles(_client, plane.Core.Registry, time).HandleAsync);
        server.Map("POST /v1/rollback", new Rollbacks(_client, time).HandleAsync);
    }

    private async Task StatusAsync(HttpContext context)
    {
        var services = await _client.ListAsync<KnService>("", context.RequestAborted);
        var pods = await _client.ListAsync<V1Pod>("", context.RequestAborted, "serving.knative.dev/service");
        var running = pods.Where(p => p.Metadata.DeletionTimestamp is null)
            .CountBy(p => (p.Metadata.NamespaceProperty, p.Metadata.Labels["serving.knative.dev/service"])).ToDictionary();
        var report = new StatusReport(
            Version,
            Environment.ProcessId,
            $"https://127.0.0.1:{options.ApiPort.ToString(CultureInfo.InvariantCulture)}",
            GatewayUrl("localhost", gatewayPort),
            "localhost",
            steps.Done,
            [.. services.Select(s => Describe(s, running.GetValueOrDefault((s.Metadata.NamespaceProperty, s.Metadata.Name))))]);
        await AdminServer.WriteAsync(context, report, AdminJson.Default.StatusReport);
    }

    private static ServiceReport Describe(KnService service, int pods)
    {
        var ready = service.Status.Conditions?.FirstOrDefault(c => c.Type == "Ready");
        return new(
            service.Metadata.NamespaceProperty, service.Metadata.Name, service.Status.Url ?? "",
            ready?.Status ?? "Unknown", ready?.Message ?? "", pods);
    }

    private async Task ShutDownAsync(HttpContext context)
    {
        await context.Response.WriteAsync("");
        shutDown();
    }

    // With ?collect=true after a full collection: then what is live is really held by somebody.
    private Task MemoryAsync(HttpContext context)
    {
        if (context.Request.Query["collect"] == "true")
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        var memory = GC.GetGCMemoryInfo();
        var report = new MemoryReport(
            memory.TotalCommittedBytes, memory.HeapSizeBytes, memory.FragmentedBytes, memory.PinnedObjectsCount, GC.CollectionCount(0),
            GC.CollectionCount(1), GC.CollectionCount(2), GC.GetTotalAllocatedBytes(), ThreadPool.ThreadCount, plane.Core.Store.Report());
        return AdminServer.WriteAsync(context, report, AdminJson.Default.MemoryReport);
    }

    private Task ListImagesAsync(HttpContext context) => AdminServer.WriteAsync(
        context,
        [.. machine.Images.List().SelectMany(i => i.Names.Select(name => new ImageReport(name, i.Digest, i.Bytes)))],
        AdminJson.Default.ListImageReport);

    private async Task LoadImageAsync(HttpContext context)
    {
        try
        {
            var names = await machine.Images.LoadAsync(context.Request.Body, context.Request.Query["name"], context.RequestAborted);
            await context.Response.WriteAsync(string.Concat(names.Select(n => $"Loaded {n}\n")));
        }
        catch (ImageException e)
        {
            throw new AdminException(400, e.Message);
        }
    }

    private async Task RemoveImageAsync(HttpContext context)
    {
        var reference = context.Request.Query["reference"].ToString();
        var pods = await _client.ListAsync<V1Pod>("", context.RequestAborted);
        var inUse = pods.SelectMany(p => p.Spec.Containers).Select(c => c.Image).ToHashSet(StringComparer.Ordinal);
        try
        {
            machine.Images.Remove(reference, inUse);
        }
        catch (ImageException e)
        {
            throw new AdminException(e.Reason == "ErrImageNeverPull" ? 404 : 409, e.Message);
        }
    }

    private Task ColdStartsAsync(HttpContext context) => AdminServer.WriteAsync(
        context,
        [.. machine.ColdStarts.Recent().Select(Report)],
        AdminJson.Default.ListColdStartReport);

    private static ColdStartReport Report(ColdStart start)
    {
        return new(
            start.Namespace, start.Revision, start.At, At(ColdStartPhase.Decided), At(ColdStartPhase.Created), At(ColdStartPhase.Started),
            At(ColdStartPhase.Ready), At(ColdStartPhase.FirstByte));

        double? At(ColdStartPhase phase) => start.Milliseconds.TryGetValue(phase, out var ms) ? ms : null;
    }
}
