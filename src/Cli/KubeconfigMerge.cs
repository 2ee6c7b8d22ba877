using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Knet.Cli;

/// <summary>Adds the context <c>knet</c> to the user's kubeconfig, and takes it away again, without touching anything else in it.</summary>
internal static class KubeconfigMerge
{
    private const string Name = "knet";
    private static readonly string[] Sections = ["clusters", "users", "contexts"];

    private static string UserFile =>
        Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } list
            ? list.Split(':')[0]
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");

    /// <summary>Runs one of the two below. A file of the user's that cannot be read or written is told, and nothing fails for it.</summary>
    public static async Task TryAsync(Func<Task> change)
    {
        try
        {
            await change();
        }
        catch (Exception e) when (e is CliException or IOException or UnauthorizedAccessException)
        {
            Console.Out.WriteLine($"  Note       the context \"knet\" in your kubeconfig was left as it is: {e.Message}");
        }
    }

    /// <summary>Copies cluster, user and context of our own kubeconfig. An existing current-context stays what it is.</summary>
    public static async Task MergeAsync(string ownFile)
    {
        if (Path.GetFullPath(UserFile) == ownFile)
        {
            return;
        }

        var own = await LoadAsync(ownFile);
        var user = File.Exists(UserFile) ? await LoadAsync(UserFile) : NewConfig();
        foreach (var section in Sections)
        {
            RemoveEntry(user, section);
            Entries(user, section).Add(Entries(own, section).First(IsOurs));
        }

        var current = new YamlScalarNode("current-context");
        if (!user.Children.TryGetValue(current, out var context) || string.IsNullOrEmpty((context as YamlScalarNode)?.Value))
        {
            user.Children[current] = Name;
        }

        await SaveAsync(user);
    }

    /// <summary>Takes the context away again, unless by now it leads to another platform than this one.</summary>
    public static async Task RemoveAsync(string ownFile)
    {
        if (!File.Exists(UserFile) || Path.GetFullPath(UserFile) == ownFile)
        {
            return;
        }

        var user = await LoadAsync(UserFile);
        if (File.Exists(ownFile) && Server(user) != Server(await LoadAsync(ownFile)))
        {
            return;
        }

        var removed = Sections.Select(section => RemoveEntry(user, section)).ToList();
        var current = new YamlScalarNode("current-context");
        if (user.Children.TryGetValue(current, out var context) && context is YamlScalarNode { Value: Name })
        {
            user.Children[current] = "";
        }

        if (!removed.Contains(true))
        {
            return;
        }

        // A file that held nothing but our context was made by us: "down" leaves the machine as it was.
        if (Sections.All(section => !Entries(user, section).Any()))
        {
            File.Delete(UserFile);
            var directory = Path.GetDirectoryName(UserFile)!;
            if (!Directory.EnumerateFileSystemEntries(directory).Any())
            {
                Directory.Delete(directory);
            }

            return;
        }

        await SaveAsync(user);
    }

    private static YamlMappingNode NewConfig() => new() { { "apiVersion", "v1" }, { "kind", "Config" } };

    private static string? Server(YamlMappingNode config) =>
        Entries(config, "clusters").FirstOrDefault(IsOurs) is YamlMappingNode entry
        && entry.Children.TryGetValue(new YamlScalarNode("cluster"), out var cluster) && cluster is YamlMappingNode map
        && map.Children.TryGetValue(new YamlScalarNode("server"), out var server)
            ? (server as YamlScalarNode)?.Value
            : null;

    private static bool IsOurs(YamlNode entry) =>
        entry is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode("name"), out var name) && name is YamlScalarNode { Value: Name };

    private static bool RemoveEntry(YamlMappingNode config, string section)
    {
        var entries = Entries(config, section);
        var ours = entries.Where(IsOurs).ToList();
        ours.ForEach(entry => entries.Children.Remove(entry));
        return ours.Count > 0;
    }

    private static YamlSequenceNode Entries(YamlMappingNode config, string section)
    {
        var key = new YamlScalarNode(section);
        if (config.Children.TryGetValue(key, out var found) && found is YamlSequenceNode entries)
        {
            return entries;
        }

        var fresh = new YamlSequenceNode();
        config.Children[key] = fresh;
        return fresh;
    }

    private static async Task<YamlMappingNode> LoadAsync(string file)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(await File.ReadAllTextAsync(file)));
        }
        catch (YamlException e)
        {
            throw new CliException($"{file} is no YAML ({e.Message}). Mend or remove it, or set KUBECONFIG to another file");
        }

        if (yaml.Documents.Count == 0)
        {
            return NewConfig(); // an empty file
        }

        return yaml.Documents[0].RootNode is YamlMappingNode map
            ? map
            : throw new CliException($"{file} is no kubeconfig: it holds no mapping. Mend or remove it, or set KUBECONFIG to another file");
    }

    private static async Task SaveAsync(YamlMappingNode config)
    {
        // The file itself, not a link to it: where the user keeps it is the user's choice.
        var file = (File.Exists(UserFile) ? File.ResolveLinkTarget(UserFile, returnFinalTarget: true)?.FullName : null) ?? UserFile;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var text = new StringWriter();
        new YamlStream(new YamlDocument(config)).Save(text, assignAnchors: false);

        // Written beside and moved over, so that a crash leaves the old file whole; it holds a private key.
        var temporary = file + ".knet";
        await File.WriteAllTextAsync(temporary, text.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal));
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(temporary, file, overwrite: true);
    }
}
