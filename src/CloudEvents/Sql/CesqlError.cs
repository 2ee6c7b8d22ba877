namespace Knet.CloudEvents.Sql;

/// <summary>The kinds of errors that an evaluation can have (§3.3).</summary>
public enum CesqlErrorKind
{
    Math,
    Cast,
    MissingAttribute,
    MissingFunction,
    FunctionEvaluation,
    Generic,
}

/// <summary>The error that ended an evaluation.</summary>
public sealed record CesqlError(CesqlErrorKind Kind, string Message);

/// <summary>An expression that is not CESQL: what is wrong and where.</summary>
public sealed class CesqlParseException(string message, int position) : Exception($"{message} at position {position + 1}")
{
    /// <summary>Index of the character, from 0.</summary>
    public int Position { get; } = position;
}
