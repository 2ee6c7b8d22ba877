using System.Text;

namespace Knet.Api.Meta;

/// <summary>One complaint about one or more fields.</summary>
/// <param name="Message">Upstream's words, such as <c>missing field(s)</c>.</param>
/// <param name="Paths">From the object's root, such as <c>spec.template.spec.containers[0].image</c>.</param>
/// <param name="Details">More, on a line of its own; empty for none.</param>
public sealed record FieldError(string Message, IReadOnlyList<string> Paths, string Details = "");

/// <summary>
/// Collects what is wrong with an object and writes it as Knative does: <c>message: path, path</c>, sorted by message, equal messages
/// merged, details on the next line. Warnings are kept apart.
/// </summary>
public sealed class FieldErrors
{
    private readonly List<FieldError> _errors = [];
    private readonly List<FieldError> _warnings = [];

    public bool IsEmpty => _errors.Count == 0;

    /// <summary>The warnings, one text each, merged and sorted like errors.</summary>
    public IReadOnlyList<string> Warnings => [.. Merge(_warnings).Select(Text)];

    public void Add(string message, string path, string details = "") => _errors.Add(new FieldError(message, [path], details));

    public void Add(string message, IReadOnlyList<string> paths, string details = "") =>
        _errors.Add(new FieldError(message, paths, details));

    public void Warn(string message, string path) => _warnings.Add(new FieldError(message, [path]));

    public void Missing(params string[] paths) => Add("missing field(s)", paths);

    public void Disallowed(params string[] paths) => Add("must not set the field(s)", paths);

    public void Invalid(object? value, string path, string details = "") => Add($"invalid value: {value}", path, details);

    public void OutOfBounds(object value, object lower, object upper, string path) => Add($"expected {lower} <= {value} <= {upper}", path);

    public void MultipleOneOf(params string[] paths) => Add("expected exactly one, got both", paths);

    public void MissingOneOf(params string[] paths) => Add("expected exactly one, got neither", paths);

    public void InvalidKey(string key, string path, string details = "") => Add($"invalid key name \"{key}\"", path, details);

    /// <summary>The merged errors, for tests and for callers that show them one by one.</summary>
    public IReadOnlyList<FieldError> ToList() => Merge(_errors);

    /// <summary>All errors as one text, or an empty one.</summary>
    public override string ToString() => string.Join('\n', Merge(_errors).Select(Text));

    private static Comparer<(string Message, string Details)> ByMessage { get; } = Comparer<(string Message, string Details)>.Create(
        static (a, b) => string.CompareOrdinal(a.Message, b.Message) is var order and not 0
            ? order
            : string.CompareOrdinal(a.Details, b.Details));

    private static List<FieldError> Merge(List<FieldError> errors)
    {
        var merged = new SortedDictionary<(string Message, string Details), SortedSet<string>>(ByMessage);
        foreach (var error in errors)
        {
            if (!merged.TryGetValue((error.Message, error.Details), out var paths))
            {
                merged.Add((error.Message, error.Details), paths = new SortedSet<string>(StringComparer.Ordinal));
            }

            paths.UnionWith(error.Paths);
        }

        return [.. merged.Select(m => new FieldError(m.Key.Message, [.. m.Value], m.Key.Details))];
    }

    private static string Text(FieldError error)
    {
        var text = new StringBuilder(error.Message).Append(": ").AppendJoin(", ", error.Paths);
        return error.Details.Length == 0 ? text.ToString() : text.Append('\n').Append(error.Details).ToString();
    }
}
