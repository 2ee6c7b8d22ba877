using System.Text;

namespace Knet.DataPlane.RequestLogs;

/// <summary>What fields are asked of: <c>.Name</c>, or <c>.Name argument …</c>.</summary>
internal interface IFields
{
    /// <summary>A text, number, truth value, list of texts, null, or another object with fields.</summary>
    /// <exception cref="FormatException">There is no such field, or it takes other arguments.</exception>
    object? Field(string name, IReadOnlyList<object?> arguments);
}

/// <summary>A piece of a template.</summary>
internal abstract record TemplateNode
{
    /// <param name="root">What <c>$</c> means.</param>
    /// <param name="dot">What <c>.</c> means here.</param>
    public abstract void Render(object? root, object? dot, StringBuilder output);
}

internal sealed record TextNode(string Text) : TemplateNode
{
    public override void Render(object? root, object? dot, StringBuilder output) => output.Append(Text);
}

internal sealed record OutputNode(Expression Value) : TemplateNode
{
    public override void Render(object? root, object? dot, StringBuilder output) =>
        output.Append(TemplateFunctions.Text(Value.Evaluate(root, dot)));
}

/// <summary><c>if</c>, or <c>with</c>, inside which the dot is the value.</summary>
internal sealed record ChoiceNode(
    Expression Condition, bool MovesDot, IReadOnlyList<TemplateNode> Then, IReadOnlyList<TemplateNode> Else) : TemplateNode
{
    public override void Render(object? root, object? dot, StringBuilder output)
    {
        var value = Condition.Evaluate(root, dot);
        var holds = TemplateFunctions.IsTrue(value);
        foreach (var node in holds ? Then : Else)
        {
            node.Render(root, holds && MovesDot ? value : dot, output);
        }
    }
}

/// <summary>Something that has a value.</summary>
internal abstract record Expression
{
    public abstract object? Evaluate(object? root, object? dot);
}

internal sealed record Constant(object? Value) : Expression
{
    public override object? Evaluate(object? root, object? dot) => Value;
}

internal sealed record Dot(bool Root) : Expression
{
    public override object? Evaluate(object? root, object? dot) => Root ? root : dot;
}

/// <summary>A field, with the arguments of a method.</summary>
internal sealed record FieldOf(Expression Of, string Name, IReadOnlyList<Expression> Arguments) : Expression
{
    public override object? Evaluate(object? root, object? dot) => Of.Evaluate(root, dot) is IFields fields
        ? fields.Field(Name, [.. Arguments.Select(a => a.Evaluate(root, dot))])
        : throw new FormatException($"can't evaluate field {Name}: what is before it has no fields");
}

internal sealed record Call(string Function, IReadOnlyList<Expression> Arguments) : Expression
{
    public override object? Evaluate(object? root, object? dot) =>
        TemplateFunctions.Call(Function, [.. Arguments.Select(a => a.Evaluate(root, dot))]);
}
