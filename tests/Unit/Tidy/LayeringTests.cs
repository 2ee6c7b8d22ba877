using System.Xml.Linq;
using Xunit;

namespace Knet.Tests.Unit.Tidy;

/// <summary>Who may reference whom (docs/architecture.md); any other arrow fails here.</summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Api"] = [],
        ["DataPlane"] = [],
        ["CloudEvents"] = [],
        ["Oci"] = [],
        ["Kube"] = ["Api"],
        ["Serving"] = ["Api", "Kube", "DataPlane", "Oci"],
        ["Eventing"] = ["Api", "Kube", "DataPlane", "CloudEvents"],
        ["Gateway"] = ["Api", "Kube", "DataPlane"],
        ["ApiServer"] = ["Api", "Kube"],
        ["Node"] = ["Api", "Kube", "DataPlane", "Oci"],
        ["Daemon"] = ["Api", "Kube", "DataPlane", "Oci", "Serving", "Eventing", "Gateway", "ApiServer", "Node"],
        ["Cli"] = [],
    };

    [Fact]
    public void References_FollowTheLayers()
    {
        var wrong = Directory.EnumerateFiles(Path.Combine(Source.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .SelectMany(file =>
            {
                var project = Path.GetFileNameWithoutExtension(file);
                return XDocument.Load(file).Descendants("ProjectReference")
                    .Select(r => Path.GetFileNameWithoutExtension(((string)r.Attribute("Include")!).Replace('\\', '/')))
                    .Where(target => !Allowed.TryGetValue(project, out var allowed) || !allowed.Contains(target))
                    .Select(target => $"{project} -> {target}");
            });
        Assert.Empty(wrong);
    }

    [Fact]
    public void Solution_HoldsEveryProject()
    {
        var solution = File.ReadAllText(Path.Combine(Source.Root, "Knet.slnx"));
        var missing = new[] { "src", "tests", "samples" }
            .Select(folder => Path.Combine(Source.Root, folder)).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.csproj", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Source.Root, file))
            .Where(path => !solution.Contains($"\"{path}\"", StringComparison.Ordinal));
        Assert.Empty(missing);
    }
}
