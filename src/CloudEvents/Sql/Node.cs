namespace Knet.CloudEvents.Sql;

/// <summary>A part of an expression. On an error it gives the zero value of its type, unless the error has a value of its own.</summary>
internal abstract class Node
{
    /// <summary>What it evaluates to.</summary>
    public virtual CesqlType Type => CesqlType.Boolean;

    public abstract CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error);

    /// <summary>The value cast to a type; of no meaning when there is an error.</summary>
    public CesqlValue As(CesqlType type, CloudEvent cloudEvent, ref CesqlError? error)
    {
        var value = Evaluate(cloudEvent, ref error);
        return error is null ? value.Cast(type, ref error) : value;
    }

    protected CesqlValue Zero => CesqlValue.Zero(Type);
}

internal sealed class Literal(CesqlValue value) : Node
{
    public override CesqlType Type => value.Type;

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error) => value;
}

internal sealed class AttributeNode(string name) : Node
{
    // Made once: a filter on an extension that few events have would allocate one per event.
    private readonly CesqlError _missing = new(CesqlErrorKind.MissingAttribute, $"the event has no attribute {name}");

    public override CesqlType Type => CesqlType.Any;

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        if (!cloudEvent.TryGet(name, out var attribute))
        {
            error = _missing;
            return Zero;
        }
        return attribute.Kind switch
        {
            AttributeKind.Boolean => CesqlValue.Of(attribute.Value == "true"),
            AttributeKind.Integer => CesqlValue.Of(attribute.Value).Cast(CesqlType.Integer, ref error),
            _ => CesqlValue.Of(attribute.Value),
        };
    }
}

internal sealed class Exists(string name) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error) => CesqlValue.Of(cloudEvent.TryGet(name, out _));
}

internal sealed class Not(Node operand) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var value = operand.As(CesqlType.Boolean, cloudEvent, ref error);
        return error is null ? CesqlValue.Of(!value.IsTrue) : Zero;
    }
}

internal sealed class Negate(Node operand) : Node
{
    public override CesqlType Type => CesqlType.Integer;

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var value = operand.As(CesqlType.Integer, cloudEvent, ref error);
        return error is null ? CesqlValue.Of(unchecked(-value.Number)) : Zero;
    }
}

internal enum Logic
{
    And,
    Or,
    Xor,
}

internal sealed class LogicNode(Logic logic, Node left, Node right) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var first = left.As(CesqlType.Boolean, cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        if (logic != Logic.Xor && first.IsTrue == (logic == Logic.Or))
        {
            return first;
        }
        var second = right.As(CesqlType.Boolean, cloudEvent, ref error);
        return error is not null ? Zero : logic == Logic.Xor ? CesqlValue.Of(first.IsTrue != second.IsTrue) : second;
    }
}

internal sealed class Equality(bool isEqual, Node left, Node right) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var first = left.Evaluate(cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        var second = right.Evaluate(cloudEvent, ref error);
        if (error is null)
        {
            // The operator's meaning is the one that takes the right operand's type.
            first = first.Cast(second.Type, ref error);
        }
        return error is null ? CesqlValue.Of((first == second) == isEqual) : Zero;
    }
}

internal sealed class In(bool isIn, Node left, Node[] set) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var value = left.Evaluate(cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        foreach (var element in set)
        {
            var candidate = element.As(value.Type, cloudEvent, ref error);
            if (error is not null)
            {
                return Zero;
            }
            if (candidate == value)
            {
                return CesqlValue.Of(isIn);
            }
        }
        return CesqlValue.Of(!isIn);
    }
}

internal sealed class Like(bool isLike, Node left, LikePattern pattern) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var value = left.As(CesqlType.String, cloudEvent, ref error);
        return error is null ? CesqlValue.Of(pattern.Matches(value.ToString()) == isLike) : Zero;
    }
}
