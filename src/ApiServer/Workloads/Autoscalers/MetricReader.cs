using System.Globalization;
using k8s.Models;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>Reads one metric of an autoscaler's specification: what it asks for, and how the answer is shown.</summary>
internal sealed record MetricReader(V2MetricSpec Spec, ResourceQuestion Question, V2MetricTarget Target)
{
    /// <exception cref="MetricException">The kind of metric is none that this cluster has.</exception>
    public static MetricReader Of(V2MetricSpec spec) => spec.Type switch
    {
        "Resource" => new(spec, new(spec.Resource.Name, null), spec.Resource.Target),
        "ContainerResource" => new(spec, new(spec.ContainerResource.Name, spec.ContainerResource.Container), spec.ContainerResource.Target),
        "Pods" => throw Unknown(spec.Pods.Metric.Name, "custom"),
        "Object" => throw Unknown(spec.ObjectProperty.Metric.Name, "custom"),
        "External" => throw Unknown(spec.External.Metric.Name, "external"),
        var other => throw new MetricException($"unknown metric source type \"{other}\""),
    };

    /// <summary>The reason of a ScalingActive condition and Event when it has no value.</summary>
    public static string FailureReason(V2MetricSpec spec) => spec.Type switch
    {
        "Resource" => "FailedGetResourceMetric",
        "ContainerResource" => "FailedGetContainerResourceMetric",
        "Pods" => "FailedGetPodsMetric",
        "Object" => "FailedGetObjectMetric",
        "External" => "FailedGetExternalMetric",
        _ => "InvalidMetricSourceType",
    };

    /// <summary>How Kubernetes calls it in messages.</summary>
    public string Name => (Question.Container is null, Target.AverageUtilization) switch
    {
        (true, not null) => $"{Question.Resource} resource utilization (percentage of request)",
        (true, null) => $"{Question.Resource} resource",
        (false, not null) => $"{Question.Resource} container resource utilization (percentage of request)",
        _ => $"{Question.Resource} container resource",
    };

    /// <exception cref="MetricException">It cannot be told.</exception>
    public MetricAnswer Ask(PodMeasurements pods, int current)
    {
        try
        {
            return Target.AverageUtilization is { } percent
                ? pods.ByUtilization(current, percent, Question)
                : Target.AverageValue is { } amount
                    ? pods.ByAmount(current, amount.ToDecimal() * 1000, Question)
                    : throw new MetricException(
                        "invalid resource metric source: neither a utilization target nor a value (averageValue) target was set");
        }
        catch (MetricException e)
        {
            var what = Target.AverageUtilization is null ? "value" : "utilization";
            throw new MetricException($"failed to get {Question.Resource} {what}: {e.Message}");
        }
    }

    public V2MetricStatus Show(MetricAnswer answer)
    {
        var current = new V2MetricValueStatus
        {
            AverageUtilization = answer.Utilization, AverageValue = new ResourceQuantity(Text(decimal.Floor(answer.Average))),
        };
        return Question.Container is { } container
            ? new V2MetricStatus
            {
                Type = Spec.Type,
                ContainerResource = new V2ContainerResourceMetricStatus { Name = Question.Resource, Container = container, Current = current },
            }
            : new V2MetricStatus
            {
                Type = Spec.Type, Resource = new V2ResourceMetricStatus { Name = Question.Resource, Current = current },
            };
    }

    private static string Text(decimal thousandths) => thousandths % 1000 == 0
        ? (thousandths / 1000).ToString("0", CultureInfo.InvariantCulture)
        : thousandths.ToString("0", CultureInfo.InvariantCulture) + "m";

    private static MetricException Unknown(string metric, string api) => new(
        $"unable to get metric {metric}: unable to fetch metrics from {api} metrics API: no known available metric versions found");
}
