using Knet.CloudEvents.Sql;

namespace Knet.CloudEvents.Filters;

/// <summary>cesql: true passes; false, an error, or a value that is no Boolean fails.</summary>
internal sealed class CesqlFilter(CesqlExpression expression) : EventFilter
{
    public override FilterResult Match(CloudEvent cloudEvent) => expression.IsTrue(cloudEvent) ? FilterResult.Pass : FilterResult.Fail;

    public override string Explain(CloudEvent cloudEvent)
    {
        var (value, error) = expression.Evaluate(cloudEvent);
        return error is not null ? $"{expression.Text}: {error.Kind}: {error.Message}" : $"{expression.Text}: is {value}";
    }
}
