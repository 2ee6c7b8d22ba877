using System.Text.RegularExpressions;
using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>The documentation's commands do what its pages say: a <c>sh</c> block prints the lines of the <c>text</c> block under it.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class GuideTests(KnetPlatform knet)
{
    [Theory]
    [InlineData("docs/rollouts.md", 7)]
    [InlineData("samples/django/README.md", 1)]
    [InlineData("samples/sinatra/README.md", 1)]
    [InlineData("samples/java/README.md", 1)]
    public async Task EveryBlockOfAPage_PrintsWhatStandsUnderIt(string file, int count)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, file), TestContext.Current.CancellationToken);
        var blocks = Block().Matches(page);
        Assert.Equal(count, blocks.Count);
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
