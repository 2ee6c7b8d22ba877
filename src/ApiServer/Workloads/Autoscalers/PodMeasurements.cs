using k8s.Models;
using Knet.ApiServer.Workloads.Pods;

namespace Knet.ApiServer.Workloads.Autoscalers;

/// <summary>What metrics.k8s.io says of one pod: thousandths of cores or of bytes, by container and resource.</summary>
internal sealed record PodMeasurement(
    DateTime At, TimeSpan Window, IReadOnlyDictionary<(string Container, string Resource), decimal> Values);

/// <summary>What one metric of an autoscaler looks at.</summary>
/// <param name="Container">Null: the whole pod.</param>
internal sealed record ResourceQuestion(string Resource, string? Container);

/// <summary>An answer to how many replicas a metric wants.</summary>
/// <param name="Utilization">Percent of what the pods request; null for targets that are amounts.</param>
/// <param name="Average">Per measured pod.</param>
internal sealed record MetricAnswer(int Replicas, int? Utilization, decimal Average);

/// <summary>Replicas that a resource metric asks for: Kubernetes' rules for missing, unready and starting pods.</summary>
internal sealed class PodMeasurements(
    IReadOnlyList<V1Pod> pods, IReadOnlyDictionary<string, PodMeasurement> measured, DateTimeOffset now)
{
    // kube-controller-manager's defaults: tolerance, processor use while starting, and until readiness counts.
    private const decimal Tolerance = 0.1m;
    private static readonly TimeSpan CpuStart = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ReadinessDelay = TimeSpan.FromSeconds(30);

    /// <summary>For a target in percent of the pods' requests.</summary>
    /// <exception cref="MetricException">It cannot be told.</exception>
    public MetricAnswer ByUtilization(int current, int target, ResourceQuestion question)
    {
        var values = Values(question);
        var (ready, unready, missing) = Group(values, question.Resource);
        var requests = pods.ToDictionary(p => p.Metadata.Name, p => Request(p, question));
        RequireSome(values);
        var (ratio, percent, average) = Compare(values, requests, target);
        var replicas = Decide(current, ready, ratio, unready.Count, missing.Count, values, less =>
        {
            foreach (var name in missing)
            {
                // On the way down a pod that nobody measured is taken to use its target, or all of its request when that is more.
                values[name] = less ? requests[name] * Math.Max(100, target) / 100 : 0;
            }

            unready.ForEach(name => AssumeIdle(values, name, less));
            return Compare(values, requests, target).Ratio;
        });
        return new(replicas, percent, average);
    }

    /// <summary>For a target that is an amount for each pod, in thousandths.</summary>
    /// <exception cref="MetricException">It cannot be told.</exception>
    public MetricAnswer ByAmount(int current, decimal target, ResourceQuestion question)
    {
        var values = Values(question);
        var (ready, unready, missing) = Group(values, question.Resource);
        RequireSome(values);
        var average = values.Values.Average();
        var replicas = Decide(current, ready, average / target, unready.Count, missing.Count, values, less =>
        {
            missing.ForEach(name => values[name] = less ? target : 0);
            unready.ForEach(name => AssumeIdle(values, name, less));
            return values.Values.Average() / target;
        });
        return new(replicas, null, average);
    }

    /// <param name="fill">Puts in what is assumed of missing and unready pods; told whether the use is below the target.</param>
    private static int Decide(
        int current, int ready, decimal ratio, int unready, int missing, Dictionary<string, decimal> values, Func<bool, decimal> fill)
    {
        if (missing == 0 && (unready == 0 || ratio <= 1))
        {
            return Within(ratio) ? current : (int)Math.Ceiling(ratio * ready);
        }

        if (ratio == 1)
        {
            return current;
        }

        var filled = fill(ratio < 1);
        if (Within(filled) || (ratio < 1 && filled > 1) || (ratio > 1 && filled < 1))
        {
            return current;
        }

        var replicas = (int)Math.Ceiling(filled * values.Count);
        return (filled < 1 && replicas > current) || (filled > 1 && replicas < current) ? current : replicas;
    }

    // Pods that are not ready slow a growth down; they never stand in the way of getting smaller.
    private static void AssumeIdle(Dictionary<string, decimal> values, string name, bool less)
    {
        if (!less)
        {
            values[name] = 0;
        }
    }

    private static bool Within(decimal ratio) => Math.Abs(1 - ratio) <= Tolerance;

    private Dictionary<string, decimal> Values(ResourceQuestion question)
    {
        var values = new Dictionary<string, decimal>();
        foreach (var (name, measurement) in measured)
        {
            var found = measurement.Values
                .Where(v => v.Key.Resource == question.Resource && (question.Container is null || v.Key.Container == question.Container)).ToList();
            if (found.Count > 0)
            {
                values[name] = found.Sum(v => v.Value);
            }
        }

        return values.Count > 0 ? values : throw new MetricException(
            $"unable to get metrics for resource {question.Resource}: no metrics returned from resource metrics API");
    }

    private static void RequireSome(Dictionary<string, decimal> values)
    {
        if (values.Count == 0)
        {
            throw new MetricException("did not receive metrics for targeted pods (pods might be unready)");
        }
    }

    /// <summary>Takes out what must not count, and says how many pods are left and which are unready or not measured.</summary>
    private (int Ready, List<string> Unready, List<string> Missing) Group(Dictionary<string, decimal> values, string resource)
    {
        var (ready, unready, missing) = (0, new List<string>(), new List<string>());
        foreach (var pod in pods)
        {
            var name = pod.Metadata.Name;
            if (pod.Metadata.DeletionTimestamp is not null || pod.Status?.Phase == "Failed")
            {
                values.Remove(name);
            }
            else if (pod.Status?.Phase == "Pending" || (values.ContainsKey(name) && resource == "cpu" && IsStarting(pod)))
            {
                unready.Add(name);
                values.Remove(name);
            }
            else if (!values.ContainsKey(name))
            {
                missing.Add(name);
            }
            else
            {
                ready++;
            }
        }

        foreach (var unknown in values.Keys.Except(pods.Select(p => p.Metadata.Name)).ToList())
        {
            values.Remove(unknown);
        }

        return (ready, unready, missing);
    }

    // A starting program uses more than it will: only what was measured after it became ready counts.
    private bool IsStarting(V1Pod pod)
    {
        var condition = PodStates.Condition(pod, "Ready");
        if (condition is null || pod.Status?.StartTime is not { } start)
        {
            return true;
        }

        var changed = condition.LastTransitionTime ?? start;
        var measurement = measured[pod.Metadata.Name];
        return start + CpuStart > now.UtcDateTime
            ? condition.Status == "False" || measurement.At < changed + measurement.Window
            : condition.Status == "False" && start + ReadinessDelay > changed;
    }

    private static decimal Request(V1Pod pod, ResourceQuestion question)
    {
        var sum = 0m;
        foreach (var container in pod.Spec.Containers.Where(c => question.Container is null || c.Name == question.Container))
        {
            sum += container.Resources?.Requests is { } requests && requests.TryGetValue(question.Resource, out var quantity)
                ? quantity.ToDecimal() * 1000
                : throw new MetricException($"missing request for {question.Resource} in container {container.Name} of Pod {pod.Metadata.Name}");
        }

        return sum;
    }

    private static (decimal Ratio, int Percent, decimal Average) Compare(
        Dictionary<string, decimal> values, Dictionary<string, decimal> requests, int target)
    {
        var (used, requested) = (values.Values.Sum(), values.Keys.Sum(n => requests.GetValueOrDefault(n)));
        if (requested == 0)
        {
            throw new MetricException("no metrics returned matched known pods");
        }

        var percent = (int)(used * 100 / requested);
        return (percent / (decimal)target, percent, used / values.Count);
    }
}

/// <summary>A metric has no value now; the message says why, in Kubernetes' words.</summary>
internal sealed class MetricException(string message) : Exception(message);
