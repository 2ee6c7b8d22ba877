using Knet.ApiServer;
using Knet.ApiServer.Http;
using Knet.ApiServer.Http.Wire;
using Knet.Kube.Client;
using Knet.Tests.Unit.ApiServer.Registry;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Http;

/// <summary>How many watches there may be, and what they share.</summary>
public sealed class WatchStreamTests
{
    [Fact]
    public async Task WatchBeyondTheLimit_IsToldToComeAgain_UntilOneEnds()
    {
        await using var api = await Registry.Api.StartAsync();
        var streams = new WatchStreams(api.Core.Registry, new ApiHttpOptions { WatchesMax = 1 }, api.Time);
        var kind = api.Core.Registry.Kinds.Find("", "v1", "configmaps")!;
        var request = new KubeRequest(KubeVerb.List, kind.Type) { Namespace = "default" };
        using var leave = new CancellationTokenSource();
        Task Watch(CancellationToken left) => streams.RunAsync(
            new DefaultHttpContext { RequestAborted = left, Response = { Body = new MemoryStream() } }, kind, request, ApiServerCore.System,
            AnswerForm.Object);

        var first = Watch(leave.Token);
        var refusal = await Assert.ThrowsAsync<KubeException>(() => Watch(CancellationToken.None));
        Assert.Equal((429, 1), (refusal.Code, refusal.Status.Details.RetryAfterSeconds));

        await leave.CancelAsync();
        await first;
        await Watch(new CancellationToken(canceled: true));
    }

    [Fact]
    public async Task TwoWatchesOfMetadata_SeeTheSame()
    {
        await using var api = await Registry.Api.StartAsync();
        var streams = new WatchStreams(api.Core.Registry, new ApiHttpOptions(), api.Time);
        var kind = api.Core.Registry.Kinds.Find("", "v1", "configmaps")!;
        var request = new KubeRequest(KubeVerb.List, kind.Type) { Namespace = "default" };
        await api.CreateAsync(Registry.Api.ConfigMaps, """{"metadata":{"name":"a"},"data":{"k":"only-in-data"}}""");
        using var leave = new CancellationTokenSource();
        var outputs = new[] { new MemoryStream(), new MemoryStream() };
        var watches = outputs.Select(o => streams.RunAsync(
            new DefaultHttpContext { RequestAborted = leave.Token, Response = { Body = o } }, kind, request, ApiServerCore.System,
            AnswerForm.Metadata)).ToList();
        await leave.CancelAsync();
        await Task.WhenAll(watches);
        Assert.Contains("\"kind\":\"PartialObjectMetadata\"", System.Text.Encoding.UTF8.GetString(outputs[0].ToArray()));
        Assert.DoesNotContain("only-in-data", System.Text.Encoding.UTF8.GetString(outputs[0].ToArray()));
        Assert.Equal(outputs[0].ToArray(), outputs[1].ToArray());
    }
}
