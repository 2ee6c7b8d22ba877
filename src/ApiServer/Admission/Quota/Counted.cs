using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Workloads.Pods;
using Knet.ApiServer.Workloads.Scheduling;
using Knet.Kube.Client;

namespace Knet.ApiServer.Admission.Quota;

/// <summary>What one object counts in quotas, by the names that quotas use.</summary>
/// <param name="Pod">Set for pods, which scopes look at.</param>
internal sealed record Counted(Amounts Usage, V1Pod? Pod)
{
    /// <summary>Core kinds that quotas may also count by their plain name.</summary>
    public static readonly IReadOnlySet<string> PlainKinds = new HashSet<string>(StringComparer.Ordinal)
    {
        "configmaps", "persistentvolumeclaims", "pods", "resourcequotas", "secrets", "services", "replicationcontrollers",
    };

    // Of these the request itself counts under its own name too.
    private static readonly string[] Classic = ["cpu", "memory", "ephemeral-storage"];

    public static Counted Nothing { get; } = new(new Amounts(), null);

    public static Counted Of(ResourceType type, KubeDocument document)
    {
        var usage = new Amounts();
        usage.Add("count/" + type.GroupResource, 1);
        switch (type.GroupResource)
        {
            case "pods":
                var pod = document.As<V1Pod>();
                AddPod(usage, pod);
                return new(usage, pod);
            case "services":
                AddService(usage, document.As<V1Service>().Spec);
                break;
            case "persistentvolumeclaims":
                AddClaim(usage, document.As<V1PersistentVolumeClaim>());
                break;
        }

        if (type.Group.Length == 0 && PlainKinds.Contains(type.Plural))
        {
            usage.Add(type.Plural, 1);
        }

        return new(usage, null);
    }

    // A pod that has ended holds nothing any more; it is an object still.
    private static void AddPod(Amounts usage, V1Pod pod)
    {
        if (PodStates.IsTerminal(pod))
        {
            return;
        }

        usage.Add("pods", 1);
        foreach (var (name, amount) in PodResources.RequestsOf(pod.Spec))
        {
            var binary = IsBinary(pod.Spec, name);
            usage.Add("requests." + name, amount, binary);
            if (Classic.Contains(name) || name.StartsWith("hugepages-", StringComparison.Ordinal))
            {
                usage.Add(name, amount, binary);
            }
        }

        foreach (var (name, amount) in PodResources.LimitsOf(pod.Spec).Where(l => Classic.Contains(l.Key)))
        {
            usage.Add("limits." + name, amount, IsBinary(pod.Spec, name));
        }
    }

    private static bool IsBinary(V1PodSpec spec, string name) => (spec.Containers ?? []).Concat(spec.InitContainers ?? [])
        .SelectMany(c => new[] { c.Resources?.Requests, c.Resources?.Limits })
        .Any(list => list is not null && list.TryGetValue(name, out var quantity) && Amounts.IsBinary(quantity));

    private static void AddService(Amounts usage, V1ServiceSpec? spec)
    {
        var ports = spec?.Ports?.Count ?? 0;
        switch (spec?.Type)
        {
            case "NodePort":
                usage.Add("services.nodeports", ports);
                break;
            case "LoadBalancer":
                usage.Add("services.loadbalancers", 1);
                if (spec.AllocateLoadBalancerNodePorts != false)
                {
                    usage.Add("services.nodeports", ports);
                }

                break;
        }
    }

    private static void AddClaim(Amounts usage, V1PersistentVolumeClaim claim)
    {
        var storage = claim.Spec?.Resources?.Requests is { } requests && requests.TryGetValue("storage", out var asked) ? asked : null;
        if (storage is not null)
        {
            usage.Add("requests.storage", storage.ToDecimal(), Amounts.IsBinary(storage));
        }

        if (claim.Spec?.StorageClassName is { Length: > 0 } name)
        {
            const string suffix = ".storageclass.storage.k8s.io/";
            usage.Add(name + suffix + "persistentvolumeclaims", 1);
            if (storage is not null)
            {
                usage.Add(name + suffix + "requests.storage", storage.ToDecimal(), Amounts.IsBinary(storage));
            }
        }
    }
}
