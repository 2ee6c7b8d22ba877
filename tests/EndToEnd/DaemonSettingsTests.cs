using System.Text.Json;
using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

public sealed class DaemonSettingsTests
{
    /// <summary>The web SDK's default is the server's collector, and a misspelt property leaves it so (docs/performance.md).</summary>
    [Fact]
    public void PublishedDaemon_UsesTheWorkstationCollector()
    {
        using var settings = JsonDocument.Parse(File.ReadAllText(Repository.Daemon + ".runtimeconfig.json"));
        var properties = settings.RootElement.GetProperty("runtimeOptions").GetProperty("configProperties");
        Assert.False(properties.GetProperty("System.GC.Server").GetBoolean());
        Assert.False(properties.GetProperty("System.GC.Concurrent").GetBoolean());
    }
}
