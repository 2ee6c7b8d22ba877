using k8s.Models;

namespace Knet.ApiServer.Workloads.Scheduling;

/// <summary>Amounts by resource name; cpu in cores, everything else in its own unit.</summary>
internal static class PodResources
{
    private static readonly Dictionary<string, decimal> Nothing = [];

    /// <summary>
    /// What a pod asks of a node: the sum of its containers (and of init containers that keep running) or the largest init container,
    /// whichever is more, plus overhead.
    /// </summary>
    public static Dictionary<string, decimal> RequestsOf(V1PodSpec? spec) => Sum(spec, static c => Amounts(c.Resources?.Requests));

    /// <summary>What a pod may take at most, summed in the same way; containers without a limit count nothing.</summary>
    public static Dictionary<string, decimal> LimitsOf(V1PodSpec? spec) => Sum(spec, static c => Amounts(c.Resources?.Limits));

    private static Dictionary<string, decimal> Sum(V1PodSpec? spec, Func<V1Container, Dictionary<string, decimal>> of)
    {
        var sum = new Dictionary<string, decimal>();
        if (spec is null)
        {
            return sum;
        }

        foreach (var container in spec.Containers ?? [])
        {
            Add(sum, of(container));
        }

        // Init containers run one by one, next to the restartable ones before them.
        var (running, initial) = (new Dictionary<string, decimal>(), new Dictionary<string, decimal>());
        foreach (var container in spec.InitContainers ?? [])
        {
            if (container.RestartPolicy == "Always")
            {
                Add(running, of(container));
                Add(sum, of(container));
                RaiseTo(initial, running);
            }
            else
            {
                var beside = new Dictionary<string, decimal>(running);
                Add(beside, of(container));
                RaiseTo(initial, beside);
            }
        }

        RaiseTo(sum, initial);
        Add(sum, Amounts(spec.Overhead));
        return sum;
    }

    public static Dictionary<string, decimal> Amounts(IDictionary<string, ResourceQuantity>? quantities) =>
        quantities is not { Count: > 0 } ? Nothing : quantities.ToDictionary(q => q.Key, q => q.Value.ToDecimal());

    public static void Add(Dictionary<string, decimal> to, Dictionary<string, decimal> amounts, int sign = 1)
    {
        foreach (var (name, amount) in amounts)
        {
            to[name] = to.GetValueOrDefault(name) + (sign * amount);
        }
    }

    private static void RaiseTo(Dictionary<string, decimal> to, Dictionary<string, decimal> least)
    {
        foreach (var (name, amount) in least)
        {
            to[name] = Math.Max(to.GetValueOrDefault(name), amount);
        }
    }
}
