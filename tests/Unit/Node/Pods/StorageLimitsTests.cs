using Knet.Node.Pods;
using Xunit;

namespace Knet.Tests.Unit.Node.Pods;

public sealed class StorageLimitsTests
{
    private const string Limited = """{"name":"a","image":"i","resources":{"limits":{"ephemeral-storage":"1Ki"}}}""";
    private const string Free = """{"name":"b","image":"i"}""";
    private const string Volume = """,{"name":"e","emptyDir":{"sizeLimit":"2Ki"} }""";

    [Theory]
    [InlineData(Limited, "", 5000, 1024, null)]
    [InlineData(Limited, "", 0, 1025, "Container a exceeded its local ephemeral storage limit \"1Ki\". ")]
    [InlineData(Free, Volume, 2048, 9000, null)]
    [InlineData(Free, Volume, 2049, 0, "Usage of EmptyDir volume \"e\" exceeds the limit \"2Ki\". ")]
    [InlineData(Limited, Volume, 1000, 1000, "Pod ephemeral local storage usage exceeds the total limit of containers 1Ki. ")]
    [InlineData(Limited + "," + Free, Volume, 1000, 1000, null)] // a container without a limit leaves the pod without one
    public void Usage_BeyondALimit_IsToldInKubeletsWords(string containers, string volume, long volumeBytes, long containerBytes, string? expected)
    {
        var pod = APod.With($$"""{"containers":[{{containers}}],"volumes":[{"name":"s","secret":{"secretName":"s"} } {{volume}}]}""");
        Assert.Equal(expected, StorageLimits.Exceeded(pod.Spec, _ => volumeBytes, _ => containerBytes));
    }

    [Fact]
    public void PodsWithoutLimits_AreNotLookedThrough()
    {
        Assert.False(StorageLimits.Has(APod.With($$"""{"containers":[{{Free}}],"volumes":[{"name":"e","emptyDir":{} }]}""").Spec));
        Assert.True(StorageLimits.Has(APod.With($$"""{"containers":[{{Limited}}]}""").Spec));
    }
}
