using System.Text.RegularExpressions;
using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>What a source changes about the events that it sends.</summary>
public sealed partial record CloudEventOverrides
{
    /// <summary>Extension attributes that every event gets, by name.</summary>
    public Dictionary<string, string>? Extensions { get; init; }

    /// <param name="path">Where it stands, such as <c>spec.ceOverrides</c>.</param>
    public void Validate(string path, FieldErrors errors)
    {
        foreach (var key in Extensions?.Keys ?? Enumerable.Empty<string>())
        {
            if (!Name().IsMatch(key))
            {
                errors.InvalidKey(
                    key, $"{path}.extensions", "keys are expected to be alphanumeric");
            }
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9]+$")]
    private static partial Regex Name();
}

/// <summary>What events of a source look like: one type and source that it sends.</summary>
public sealed record CloudEventAttributes
{
    public string? Type { get; init; }
    public string? Source { get; init; }
}

/// <summary>What the status of every source has.</summary>
public abstract record SourceStatus : DuckStatus
{
    /// <summary>The address that <c>spec.sink</c> was resolved to.</summary>
    public string? SinkUri { get; init; }

    public string? SinkCACerts { get; init; }
    public string? SinkAudience { get; init; }
    public List<CloudEventAttributes>? CeAttributes { get; init; }
    public AuthStatus? Auth { get; init; }
}
