using System.Text.Json;
using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

public sealed class DaemonSettingsTests
{
    /// <summary>The web SDK's default is the server's collector: a heap per processor, several times the memory (docs/performance.md).</summary>
    [Fact]
    public void PublishedDaemon_KeepsItsHeapSmall()
    {
        using var settings = JsonDocument.Parse(File.ReadAllText(Repository.Daemon + ".runtimeconfig.json"));
        var properties = settings.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties");
        Assert.False(properties.GetProperty("System.GC.Server").GetBoolean());
        Assert.False(properties.GetProperty("System.GC.Concurrent").GetBoolean());
    }
}
