namespace Knet.Daemon.Commands;

/// <summary><c>--name value</c> pairs, each name possibly more than once, and the words that belong to none.</summary>
internal sealed class CommandArguments
{
    private readonly List<(string Name, string Value)> _options = [];

    public CommandArguments(IReadOnlyList<string> arguments)
    {
        var rest = new List<string>();
        for (var i = 0; i < arguments.Count; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
            {
                rest.Add(arguments[i]);
                continue;
            }

            var value = i + 1 < arguments.Count ? arguments[i + 1] : throw new FormatException($"{arguments[i]} needs a value");
            _options.Add((arguments[i], value));
            i++;
        }

        Rest = rest;
    }

    public IReadOnlyList<string> Rest { get; }

    public IReadOnlyList<string> All(string name) => [.. _options.Where(o => o.Name == name).Select(o => o.Value)];

    public string? Find(string name) => All(name) is [.., var last] ? last : null;

    /// <exception cref="FormatException">It was not given.</exception>
    public string Get(string name) => Find(name) ?? throw new FormatException($"{name} is missing");
}
