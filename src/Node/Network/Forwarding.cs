using System.Text.Json.Nodes;

namespace Knet.Node.Network;

/// <summary>
/// The machine's IPv4 forwarding switch: turned on, and put back as it was. Throwing it also changes other settings (each interface's
/// forwarding, acceptance of redirects; the kernel's ip-sysctl document), so those are remembered too.
/// </summary>
/// <remarks>
/// Several daemons may share a machine: each registers under its table's name, a later one remembers what the first found, and the last
/// to go puts it back.
/// </remarks>
internal static class Forwarding
{
    private const string Root = "/proc/sys/net/ipv4";
    private const string Switch = "ip_forward";

    /// <summary>Remembers the present settings, unless that was done before. Answers the interfaces that did not forward then.</summary>
    public static async Task<IReadOnlyList<string>> RememberAsync(NetworkOptions options, CancellationToken cancellationToken)
    {
        // The file is written before the switch is thrown, and never overwritten: after a crash the present values are ours.
        if (!File.Exists(options.StateFile))
        {
            var state = Others(options).FirstOrDefault() is { } first
                ? await File.ReadAllTextAsync(first, cancellationToken)
                : await PresentAsync(cancellationToken);
            Directory.CreateDirectory(Path.GetDirectoryName(options.StateFile)!);
            await File.WriteAllTextAsync(options.StateFile, state, cancellationToken);
        }

        Directory.CreateDirectory(options.ForwardingDirectory);
        await File.WriteAllTextAsync(Path.Combine(options.ForwardingDirectory, options.TableName), options.StateFile, cancellationToken);
        var before = await LoadAsync(options.StateFile, cancellationToken);
        return
        [
            .. before.Where(s => s.Value == "0" && s.Key.EndsWith("/forwarding", StringComparison.Ordinal)).Select(s => s.Key.Split('/')[1])
                .Where(name => name is not ("all" or "default" or "lo") && !name.Contains('"', StringComparison.Ordinal)),
        ];
    }

    public static Task TurnOnAsync(CancellationToken cancellationToken) => WriteAsync(Switch, "1", cancellationToken);

    /// <summary>
    /// Puts back what was remembered, unless somebody else needs forwarding by now: another daemon of ours, or a bridge that came
    /// since (of a container engine that found forwarding on and relies on it). Nothing when nothing was remembered.
    /// </summary>
    public static async Task RestoreAsync(NetworkOptions options, CancellationToken cancellationToken)
    {
        var registration = Path.Combine(options.ForwardingDirectory, options.TableName);
        if (File.Exists(registration))
        {
            File.Delete(registration);
        }

        if (File.Exists(options.StateFile))
        {
            var before = await LoadAsync(options.StateFile, cancellationToken);
            if (!Others(options).Any() && !HasNewBridge(before))
            {
                await PutBackAsync(before, cancellationToken);
            }

            File.Delete(options.StateFile);
        }

        if (Directory.Exists(options.ForwardingDirectory) && !Others(options).Any())
        {
            Directory.Delete(options.ForwardingDirectory, recursive: true);
        }
    }

    // State files of other daemons; a registration whose file is gone is a leftover.
    private static IEnumerable<string> Others(NetworkOptions options) =>
        Directory.Exists(options.ForwardingDirectory)
            ? Directory.EnumerateFiles(options.ForwardingDirectory).Where(f => Path.GetFileName(f) != options.TableName)
                .Select(f => File.ReadAllText(f).Trim()).Where(File.Exists)
            : [];

    private static bool HasNewBridge(Dictionary<string, string> before) =>
        Directory.EnumerateDirectories("/sys/class/net")
            .Any(d => Directory.Exists(Path.Combine(d, "bridge")) && !before.ContainsKey($"conf/{Path.GetFileName(d)}/forwarding"));

    private static async Task<string> PresentAsync(CancellationToken cancellationToken)
    {
        var names = new[] { Switch, "conf/all/accept_redirects" }.Concat(
            Directory.EnumerateDirectories($"{Root}/conf").Select(d => $"conf/{Path.GetFileName(d)}/forwarding").Order(StringComparer.Ordinal));
        var state = new JsonObject();
        foreach (var name in names)
        {
            state[name] = await ReadAsync(name, cancellationToken);
        }

        return state.ToJsonString();
    }

    // In the order of the file: the switch comes first, for it overrides the others.
    private static async Task PutBackAsync(Dictionary<string, string> before, CancellationToken cancellationToken)
    {
        foreach (var (name, value) in before)
        {
            if (File.Exists(Path.Combine(Root, name)))
            {
                await WriteAsync(name, value, cancellationToken);
            }
        }
    }

    private static async Task<string> ReadAsync(string name, CancellationToken cancellationToken) =>
        (await File.ReadAllTextAsync(Path.Combine(Root, name), cancellationToken)).Trim();

    private static async Task WriteAsync(string name, string value, CancellationToken cancellationToken)
    {
        if (await ReadAsync(name, cancellationToken) != value)
        {
            await File.WriteAllTextAsync(Path.Combine(Root, name), value, cancellationToken);
        }
    }

    private static async Task<Dictionary<string, string>> LoadAsync(string stateFile, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        if (JsonNode.Parse(await File.ReadAllTextAsync(stateFile, cancellationToken)) is JsonObject state)
        {
            foreach (var (name, value) in state)
            {
                values[name] = value?.GetValue<string>() ?? "0";
            }
        }

        return values;
    }
}
