using System.Text.Json.Nodes;
using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>Failures explain themselves: one sentence with the cause, where the user looks first.</summary>
[Collection(SharedPlatform.Name)]
public sealed class FailureTests(KnetPlatform knet)
{
    [Fact]
    public async Task MissingImage_IsNamedInTheReadyCondition()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        (await knet.ApplyAsync(Manifests.Service("missing", $"{registry.Address}/nobody/home:v9"))).OrFail();
        var message = await ReadyMessageAsync("missing", "False");
        Assert.Contains($"Unable to fetch image \"{registry.Address}/nobody/home:v9\"", message, StringComparison.Ordinal);
        Assert.Contains("404", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CrashingContainer_IsNamedWithItsLastWords()
    {
        var crash = $"command: [\"/bin/sh\", \"-c\", \"echo 'no database at db:5432' >&2; exit 7\"]";
        (await knet.ApplyAsync(Manifests.Service("crash", TestImages.Busybox, crash))).OrFail();
        var message = await ReadyMessageAsync("crash", "False");
        Assert.Contains("no database at db:5432", message, StringComparison.Ordinal);
        var revision = await knet.GetAsync("revision", "crash-00001");
        Assert.Contains(revision["status"]!["conditions"]!.AsArray(), c => (string?)c!["reason"] == "ExitCode7");
    }

    [Fact]
    public async Task InvalidSpec_IsRefusedWithTheField()
    {
        var refused = await knet.ApplyAsync(Manifests.Service("invalid", TestImages.V1, "env:\n- name: PORT\n  value: \"1\""));
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("\"PORT\" is a reserved environment variable", refused.Error, StringComparison.Ordinal);
        Assert.Contains("spec.template.spec.containers[0].env[0].name", refused.Error, StringComparison.Ordinal);
    }

    private async Task<string> ReadyMessageAsync(string service, string status)
    {
        JsonNode? ready = null;
        await KnetPlatform.UntilAsync(
            async () =>
            {
                var conditions = (await knet.GetAsync("ksvc", service))["status"]?["conditions"]?.AsArray();
                ready = conditions?.FirstOrDefault(c => (string?)c!["type"] == "Ready");
                return (string?)ready?["status"] == status;
            },
            40,
            $"{service} is Ready={status}");
        return (string)ready!["message"]!;
    }
}
