namespace Knet.CloudEvents.Sql;

/// <summary>
/// An expression of the CloudEvents Expression Language v1, parsed once. Evaluation stops at the first error; the value is then the zero
/// value of the operator or function that wanted the operand (§3.2, "fail fast mode" of §4.1).
/// </summary>
/// <remarks>Safe for many threads. Comparisons of attributes with literals allocate nothing.</remarks>
public sealed class CesqlExpression
{
    private readonly Node _root;

    private CesqlExpression(string text, Node root) => (Text, _root) = (text, root);

    /// <summary>The expression as written.</summary>
    public string Text { get; }

    /// <summary>Parses an expression.</summary>
    /// <param name="functions">Functions beside the built-in ones.</param>
    /// <exception cref="CesqlParseException">It is not CESQL.</exception>
    public static CesqlExpression Parse(string text, IReadOnlyList<CesqlFunction>? functions = null) =>
        new(text, new Parser(text, functions ?? []).Parse());

    /// <summary>The value, and the error if there was one.</summary>
    public (CesqlValue Value, CesqlError? Error) Evaluate(CloudEvent cloudEvent)
    {
        CesqlError? error = null;
        var value = _root.Evaluate(cloudEvent, ref error);
        return (value, error);
    }

    /// <summary>As a filter: true without an error. A value that is no Boolean is not true.</summary>
    public bool IsTrue(CloudEvent cloudEvent)
    {
        CesqlError? error = null;
        return _root.Evaluate(cloudEvent, ref error).IsTrue && error is null;
    }
}
