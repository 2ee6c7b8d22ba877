using System.Text.Json.Nodes;

namespace Knet.Node.Network;

/// <summary>
/// The machine's IPv4 forwarding switch: turned on, and put back as it was. Throwing it also changes other settings (each interface's
/// forwarding, acceptance of redirects; the kernel's ip-sysctl document), so those are remembered too.
/// </summary>
internal static class Forwarding
{
    private const string Root = "/proc/sys/net/ipv4";
    private const string Switch = "ip_forward";

    /// <summary>Remembers the present settings, unless an earlier daemon did. Answers whether the machine forwarded before.</summary>
    public static async Task<bool> RememberAsync(string stateFile, CancellationToken cancellationToken)
    {
        // The file is written before the switch is thrown, and never overwritten: after a crash the present values are ours.
        if (!File.Exists(stateFile))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(stateFile)!);
            var state = new JsonObject();
            foreach (var name in Names())
            {
                state[name] = await ReadAsync(name, cancellationToken);
            }

            await File.WriteAllTextAsync(stateFile, state.ToJsonString(), cancellationToken);
        }

        return (await LoadAsync(stateFile, cancellationToken)).GetValueOrDefault(Switch) == "1";
    }

    public static Task TurnOnAsync(CancellationToken cancellationToken) => WriteAsync(Switch, "1", cancellationToken);

    /// <summary>Puts back what the file remembers and deletes it; nothing when there is no file.</summary>
    public static async Task RestoreAsync(string stateFile, CancellationToken cancellationToken)
    {
        if (!File.Exists(stateFile))
        {
            return;
        }

        // The switch comes first: it overrides the others.
        foreach (var (name, value) in await LoadAsync(stateFile, cancellationToken))
        {
            if (File.Exists(Path.Combine(Root, name)))
            {
                await WriteAsync(name, value, cancellationToken);
            }
        }

        File.Delete(stateFile);
    }

    private static IEnumerable<string> Names() =>
        new[] { Switch, "conf/all/accept_redirects" }.Concat(
            Directory.EnumerateDirectories($"{Root}/conf").Select(d => $"conf/{Path.GetFileName(d)}/forwarding").Order(StringComparer.Ordinal));

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
