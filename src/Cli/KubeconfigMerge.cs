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

    /// <summary>Copies cluster, user and context of our own kubeconfig. An existing current-context stays what it is.</summary>
    public static async Task MergeAsync(string ownFile)
    {
        if (Path.GetFullPath(UserFile) == ownFile)
        {
            return;
        }

        var own = await LoadAsync(ownFile);
        var user = File.Exists(UserFile) ? await LoadAsync(UserFile) : new YamlMappingNode { { "apiVersion", "v1" }, { "kind", "Config" } };
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

    public static async Task RemoveAsync()
    {
        if (!File.Exists(UserFile))
        {
            return;
        }

        var user = await LoadAsync(UserFile);
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
        yaml.Load(new StringReader(await File.ReadAllTextAsync(file)));
        return yaml.Documents.Count > 0 && yaml.Documents[0].RootNode is YamlMappingNode map
            ? map
            : throw new CliException($"{file} is no kubeconfig: it holds no mapping. Mend or remove it, or set KUBECONFIG to another file");
    }

    private static async Task SaveAsync(YamlMappingNode config)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(UserFile)!);
        var text = new StringWriter();
        new YamlStream(new YamlDocument(config)).Save(text, assignAnchors: false);

        // Written beside and moved over, so that a crash leaves the old file whole; it holds a private key.
        var temporary = UserFile + ".knet";
        await File.WriteAllTextAsync(temporary, text.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal));
        File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(temporary, UserFile, overwrite: true);
    }
}
