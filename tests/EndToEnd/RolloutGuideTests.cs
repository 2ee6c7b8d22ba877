using System.Text.RegularExpressions;
using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>The commands of docs/rollouts.md do what the page says.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class RolloutGuideTests(KnetPlatform knet)
{
    [Fact]
    public async Task EveryBlockOfThePage_PrintsWhatStandsUnderIt()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/rollouts.md"), TestContext.Current.CancellationToken);
        var blocks = Block().Matches(page);
        Assert.True(blocks.Count >= 7, $"{blocks.Count} blocks");
        foreach (Match block in blocks)
        {
            var result = await knet.BashAsync($"set -e\nexport IMAGE={TestImages.V1}\n{block.Groups["sh"].Value}");
            Assert.True(result.ExitCode == 0, $"{block.Groups["sh"].Value}\n{result.Output}{result.Error}");
            foreach (var line in block.Groups["text"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                Assert.Contains(line, result.Output, StringComparison.Ordinal);
            }
        }
    }

    [GeneratedRegex(@"```sh\n(?<sh>.*?)```\n```text\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
