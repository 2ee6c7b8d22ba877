using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Daemon.Roles.Installed;
using Knet.Kube.Client;
using Knet.Tests.System.Platform;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Knet.Tests.System;

/// <summary>The platform looks like an installed one, and being installed once more harms nothing.</summary>
public sealed class InstalledTests(SystemPlatform platform)
{
    private const string Ns = "knative-serving";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("activator")]
    [InlineData("autoscaler")]
    [InlineData("autoscaler-hpa")]
    [InlineData("controller")]
    [InlineData("knet-gateway")]
    [InlineData("webhook")]
    public async Task Role_HasAnAvailableDeploymentAndARunningPod(string name)
    {
        var client = platform.Client(Via.Https);
        var deployment = await client.UntilAsync<V1Deployment>(Ns, name, d => d.Status?.AvailableReplicas == 1);
        Assert.Contains(deployment.Status.Conditions, c => c is { Type: "Available", Status: "True" });
        var pod = await OnlyPodAsync(client, name);
        Assert.Equal(("Running", InstalledRole.NodeName), (pod.Status.Phase, pod.Spec.NodeName));
        Assert.Matches($"^{name}-[a-z0-9]+-[a-z0-9]{{5}}$", pod.Metadata.Name);
    }

    [Fact]
    public async Task WhatIsTakenAwayOrScaled_ComesBack()
    {
        var client = platform.Client(Via.Https);
        var before = await client.UntilAsync<V1Deployment>(Ns, "autoscaler-hpa", d => d.Status?.AvailableReplicas == 1);
        await client.DeleteAsync<V1Deployment>(Ns, "autoscaler-hpa", Stop);
        await client.UntilAsync<V1Deployment>(
            Ns, "autoscaler-hpa", d => d.Metadata.Uid != before.Metadata.Uid && d.Status?.AvailableReplicas == 1);

        var zero = Encoding.UTF8.GetBytes("""{"spec":{"replicas":0}}""");
        await client.PatchAsync<V1Deployment>(Ns, "autoscaler-hpa", PatchKind.Merge, zero, Stop);
        await client.UntilAsync<V1Deployment>(Ns, "autoscaler-hpa", d => d.Spec.Replicas == 1 && d.Status?.AvailableReplicas == 1);
    }

    [Fact]
    public async Task ReleaseFileOfUpstream_IsTakenWithAWarningAndStartsNothing()
    {
        var client = platform.Client(Via.Https);
        await client.UntilAsync<V1Deployment>(Ns, "webhook", d => d.Status?.AvailableReplicas == 1);
        const string release = """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"webhook","namespace":"knative-serving"},"spec":{
            "selector":{"matchLabels":{"app":"webhook","role":"webhook"}},"template":{"metadata":{"labels":{"app":"webhook","role":"webhook"}},
            "spec":{"serviceAccountName":"controller","containers":[{"name":"webhook","image":"example.com/webhook:v1",
            "resources":{"requests":{"cpu":"900"}}}]}}}}
            """;
        var answer = await client.Transport.SendAsync(
            new KubeRequest(KubeVerb.Patch, ResourceType.Of<V1Deployment>())
            {
                Namespace = Ns, Name = "webhook", Patch = PatchKind.Apply, Force = true, FieldManager = "release",
                Body = Encoding.UTF8.GetBytes(release),
            },
            Stop);
        Assert.Contains(answer.Warnings, w => w.Contains("its containers are not started", StringComparison.Ordinal));
        var generation = answer.Document.Metadata.Generation;
        await client.UntilAsync<V1Deployment>(
            Ns, "webhook", d => d.Status.ObservedGeneration >= generation && d.Status is { UpdatedReplicas: 1, Replicas: 1, AvailableReplicas: 1 });
        var pod = await OnlyPodAsync(client, "webhook");
        Assert.Equal(
            ("example.com/webhook:v1", InstalledRole.NodeName), (pod.Spec.Containers[0].Image, pod.Spec.NodeName));
    }

    [Fact]
    public async Task DefinitionOfUpstream_IsTakenAndChangesNoKind()
    {
        var client = platform.Client(Via.Https);
        const string name = "metrics.autoscaling.internal.knative.dev";
        var before = (await client.GetAsync<V1CustomResourceDefinition>("", name, Stop))!;
        const string change = """
            {"metadata":{"labels":{"app.kubernetes.io/version":"1.99"}},"spec":{"versions":[{"name":"v1alpha1","served":true,"storage":true,
            "schema":{"openAPIV3Schema":{"type":"object"}}}]}}
            """;
        var answer = await client.Transport.SendAsync(
            new KubeRequest(KubeVerb.Patch, ResourceType.Of<V1CustomResourceDefinition>())
            {
                Name = name, Patch = PatchKind.Merge, Body = Encoding.UTF8.GetBytes(change),
            },
            Stop);
        Assert.Contains(answer.Warnings, w => w.Contains("its definition stays as it is", StringComparison.Ordinal));
        var after = (await client.GetAsync<V1CustomResourceDefinition>("", name, Stop))!;
        Assert.Equal("1.99", after.Metadata.Labels["app.kubernetes.io/version"]);
        Assert.Equal(before.Metadata.Generation, after.Metadata.Generation);
        Assert.NotNull(after.Spec.Versions[0].Subresources.Status);
    }

    [Fact]
    public async Task Leases_AreHeldByTheRolesPods()
    {
        var client = platform.Client(Via.Https);
        foreach (var (name, role) in new[]
        {
            ("controller.knative.dev.serving.pkg.reconciler.revision.reconciler.00-of-01", "controller"),
            ("autoscaler-bucket-00-of-01", "autoscaler"),
        })
        {
            var lease = await client.UntilAsync<V1Lease>(Ns, name, l => l.Spec.HolderIdentity is { Length: > 0 });
            var pod = await OnlyPodAsync(client, role);
            Assert.Equal((60, $"{pod.Metadata.Name}_{pod.Metadata.Uid}"), (lease.Spec.LeaseDurationSeconds, lease.Spec.HolderIdentity));
        }
    }

    [Fact]
    public async Task RoleLog_ShowsThatRolesLines()
    {
        using var logs = new RoleLogs(TimeProvider.System, linesMax: 3);
        using var loggers = LoggerFactory.Create(b => b.AddProvider(logs));
        var log = loggers.CreateLogger("Knet.Controllers.revision-controller");
        for (var i = 0; i < 5; i++)
        {
            Told(log, i);
        }

        Told(loggers.CreateLogger("Knet.Gateway.Embedded.Something"), 99);
        Assert.Equal(["line 2", "line 3", "line 4"], await LogAsync(logs, "controller", ""));
        Assert.Equal(["line 4"], await LogAsync(logs, "controller", "?tailLines=1"));
        Assert.Equal(["line 99"], await LogAsync(logs, "knet-gateway", ""));
        Assert.Empty(await LogAsync(logs, "activator", ""));
        await Assert.ThrowsAsync<KubeException>(() => LogAsync(logs, "controller", "?tailLines=x"));
    }

#pragma warning disable CA1848, CA2254 // one line, once
    private static void Told(ILogger log, int number) => log.LogInformation("line {Number}", number);
#pragma warning restore CA1848, CA2254

    private static async Task<string[]> LogAsync(RoleLogs logs, string role, string query)
    {
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;
        await new RoleLogServer(logs, TimeProvider.System).HandleAsync(context, $"/containerLogs/{Ns}/{role}-abc-defgh/{role}{query}", Stop);
        var lines = Encoding.UTF8.GetString(body.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(l => l[l.IndexOf("line", StringComparison.Ordinal)..])];
    }

    // Waits: a test before this one may have had the pod replaced.
    private static async Task<V1Pod> OnlyPodAsync(KubeClient client, string app)
    {
        var pods = await client.UntilAllAsync<V1Pod>(Ns, all => Of(all) is [{ Status.Phase: "Running" }]);
        return Assert.Single(Of(pods));

        List<V1Pod> Of(IEnumerable<V1Pod> all) =>
            [.. all.Where(p => p.Metadata.Labels?.TryGetValue("app", out var label) == true && label == app && p.Metadata.DeletionTimestamp is null)];
    }
}
