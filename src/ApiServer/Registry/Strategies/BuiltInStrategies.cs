using Knet.ApiServer.Registry.Crds;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Which built-in kind is handled how; kinds not listed are stored as they come.</summary>
internal static class BuiltInStrategies
{
    private static readonly string[] Counted =
    [
        "endpointslices.discovery.k8s.io", "ingresses.networking.k8s.io", "networkpolicies.networking.k8s.io",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingwebhookconfigurations.admissionregistration.k8s.io", "ingressclasses.networking.k8s.io",
    ];

    /// <summary>By group resource, such as <c>deployments.apps</c>.</summary>
    public static IReadOnlyDictionary<string, KindStrategy> All(ApiServerOptions options, RegistryParts parts)
    {
        var namespaces = new NamespaceStrategy(parts, options.ClusterCa);
        var accountTokens = new AccountTokenSecrets(parts, options.ClusterCa);
        var strategies = new Dictionary<string, KindStrategy>
        {
            ["pods"] = new PodStrategy(parts),
            ["services"] = new ServiceStrategy(options, parts),
            ["namespaces"] = namespaces,
            ["serviceaccounts"] = new ServiceAccountStrategy(parts, namespaces, accountTokens),
            ["configmaps"] = new ConfigMapStrategy(),
            ["secrets"] = new SecretStrategy(accountTokens),
            ["resourcequotas"] = new ResourceQuotaStrategy(),
            ["limitranges"] = new LimitRangeStrategy(),
            ["priorityclasses.scheduling.k8s.io"] = new PriorityClassStrategy(),
            ["events"] = new EventStrategy(),
            ["deployments.apps"] = new DeploymentStrategy(),
            ["replicasets.apps"] = new ReplicaSetStrategy(),
            ["jobs.batch"] = new JobStrategy(),
            ["persistentvolumeclaims"] = new ClaimStrategy(parts),
            ["persistentvolumes"] = new VolumeStrategy(),
            ["storageclasses.storage.k8s.io"] = new StorageClassStrategy(),
            ["poddisruptionbudgets.policy"] = new DisruptionBudgetStrategy(),
            ["horizontalpodautoscalers.autoscaling"] = new AutoscalerStrategy(),
            ["customresourcedefinitions.apiextensions.k8s.io"] = new CrdStrategy(parts),
        };
        foreach (var resource in Counted)
        {
            strategies[resource] = new CountedStrategy();
        }

        foreach (var (kind, plural) in RoleFeed.Fed)
        {
            strategies[$"{plural}.rbac.authorization.k8s.io"] = new RoleFeed(parts, kind, plural);
        }

        return strategies;
    }
}
