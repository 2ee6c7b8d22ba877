namespace Knet.CloudEvents.Sql;

/// <summary>A function that expressions can call. Arguments arrive cast to the declared types.</summary>
/// <param name="Name">Upper-case; calls are compared without case.</param>
/// <param name="Parameters">The types of the fixed arguments.</param>
/// <param name="Rest">The type of any further arguments; null when there are none.</param>
/// <param name="Result">The type of the value.</param>
/// <param name="Call">Gives the value, and an error that may come with it.</param>
public sealed record CesqlFunction(
    string Name, IReadOnlyList<CesqlType> Parameters, CesqlType? Rest, CesqlType Result,
    Func<CesqlValue[], (CesqlValue Value, CesqlError? Error)> Call)
{
    internal bool Takes(string name, int arguments) =>
        string.Equals(Name, name, StringComparison.OrdinalIgnoreCase)
        && (Rest is null ? arguments == Parameters.Count : arguments >= Parameters.Count);
}

internal sealed class Invocation(CesqlFunction function, Node[] arguments) : Node
{
    public override CesqlType Type => function.Result;

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var values = new CesqlValue[arguments.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = arguments[i].As(i < function.Parameters.Count ? function.Parameters[i] : function.Rest!.Value, cloudEvent, ref error);
            if (error is not null)
            {
                return Zero;
            }
        }
        (var value, error) = function.Call(values);
        return value;
    }
}

/// <summary>A call of something that is not there: an error when it is reached, not when it is parsed (§3.5).</summary>
internal sealed class MissingInvocation(string name, int arguments) : Node
{
    private readonly CesqlError _missing = new(CesqlErrorKind.MissingFunction, $"there is no function {name} of {arguments} arguments");

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        error = _missing;
        return Zero;
    }
}
