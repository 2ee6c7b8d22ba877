namespace Knet.CloudEvents.Sql;

/// <summary>+ − * / % on Integers, in 32 bits with wrap-around.</summary>
internal sealed class Arithmetic(char operation, Node left, Node right) : Node
{
    public override CesqlType Type => CesqlType.Integer;

    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var first = left.As(CesqlType.Integer, cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        var second = right.As(CesqlType.Integer, cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        var (x, y) = (first.Number, second.Number);
        if (operation is '/' or '%' && y == 0)
        {
            error = new(CesqlErrorKind.Math, $"{x} {operation} 0: division by zero");
            return Zero;
        }
        // In 64 bits: the smallest Integer divided by -1 would trap in 32.
        return CesqlValue.Of(unchecked((int)(operation switch
        {
            '+' => (long)x + y,
            '-' => (long)x - y,
            '*' => (long)x * y,
            '/' => (long)x / y,
            _ => (long)x % y,
        })));
    }
}

/// <summary>&lt; &lt;= &gt; &gt;= on Integers.</summary>
internal sealed class Order(string operation, Node left, Node right) : Node
{
    public override CesqlValue Evaluate(CloudEvent cloudEvent, ref CesqlError? error)
    {
        var first = left.As(CesqlType.Integer, cloudEvent, ref error);
        if (error is not null)
        {
            return Zero;
        }
        var second = right.As(CesqlType.Integer, cloudEvent, ref error);
        return error is not null ? Zero : CesqlValue.Of(operation switch
        {
            "<" => first.Number < second.Number,
            "<=" => first.Number <= second.Number,
            ">" => first.Number > second.Number,
            _ => first.Number >= second.Number,
        });
    }
}
