using Knet.Api.Meta;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry.Kinds;

/// <summary>The kinds served without a CRD, with names, verbs and subresources as Kubernetes has them.</summary>
public static class BuiltInKinds
{
    private static readonly string[] CreateOnly = ["create"];

    /// <summary>In the order of discovery: core, then groups.</summary>
    public static IReadOnlyList<KindInfo> All { get; } =
    [
        .. Core(), .. AdmissionRegistration(), .. ApiExtensions(), .. Apps(), .. Reviews(), .. Autoscaling(), .. Batch(), .. Coordination(),
        .. Discovery(), .. Events(), .. Metrics.MetricsApi.Kinds, .. Networking(), .. Policy(), .. Rbac(), .. Scheduling(),
    ];

    private static IEnumerable<KindInfo> Core() =>
    [
        Kind("", "v1", "configmaps", "ConfigMap", "cm"),
        Kind("", "v1", "endpoints", "Endpoints", "ep"),
        Kind("", "v1", "events", "Event", "ev"),
        Kind("", "v1", "limitranges", "LimitRange", "limits"),
        Cluster("", "v1", "namespaces", "Namespace", "ns").With("status", "finalize")
            with { Verbs = ["create", "delete", "get", "list", "patch", "update", "watch"] },
        Cluster("", "v1", "nodes", "Node", "no").With("status", "proxy"),
        Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc").With("status"),
        Cluster("", "v1", "persistentvolumes", "PersistentVolume", "pv").With("status"),
        Pods(),
        Absent(Kind("", "v1", "replicationcontrollers", "ReplicationController", "rc")),
        Kind("", "v1", "resourcequotas", "ResourceQuota", "quota").With("status"),
        Kind("", "v1", "secrets", "Secret"),
        Kind("", "v1", "serviceaccounts", "ServiceAccount", "sa").With("token", Type("authentication.k8s.io", "v1", "TokenRequest")),
        Kind("", "v1", "services", "Service", "svc").With("status", "proxy") with { Categories = ["all"] },
    ];

    private static KindInfo Pods() => Kind("", "v1", "pods", "Pod", "po")
        .With("status", "log", "attach", "exec", "portforward", "proxy")
        .With("binding", Type("", "v1", "Binding"))
        .With("eviction", Type("policy", "v1", "Eviction")) with
    { Categories = ["all"] };

    private static IEnumerable<KindInfo> AdmissionRegistration() =>
    [
        Cluster("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration"),
        Cluster("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration"),
    ];

    private static IEnumerable<KindInfo> ApiExtensions() =>
    [
        Cluster("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "crd", "crds").With("status")
            with { Categories = ["api-extensions"] },
    ];

    private static IEnumerable<KindInfo> Apps() =>
    [
        Absent(Kind("apps", "v1", "daemonsets", "DaemonSet", "ds")),
        Scaled(Kind("apps", "v1", "deployments", "Deployment", "deploy")),
        Scaled(Kind("apps", "v1", "replicasets", "ReplicaSet", "rs")),
        Absent(Kind("apps", "v1", "statefulsets", "StatefulSet", "sts")),
    ];

    private static IEnumerable<KindInfo> Reviews() =>
    [
        Review(Cluster("authentication.k8s.io", "v1", "tokenreviews", "TokenReview")),
        Review(Cluster("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview")),
        Review(Kind("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview")),
        Review(Cluster("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")),
        Review(Cluster("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview")),
        Review(Cluster("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview")),
    ];

    private static IEnumerable<KindInfo> Autoscaling() =>
    [
        Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa").With("status")
            with { Categories = ["all"], StorageVersion = "v2" },
        Kind("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa").With("status")
            with { Categories = ["all"], StorageVersion = "v2" },
    ];

    private static IEnumerable<KindInfo> Batch() =>
    [
        Absent(Kind("batch", "v1", "cronjobs", "CronJob", "cj")),
        Kind("batch", "v1", "jobs", "Job").With("status") with { Categories = ["all"] },
    ];

    private static IEnumerable<KindInfo> Coordination() => [Kind("coordination.k8s.io", "v1", "leases", "Lease")];

    private static IEnumerable<KindInfo> Discovery() => [Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")];

    private static IEnumerable<KindInfo> Events() => [Kind("events.k8s.io", "v1", "events", "Event", "ev")];

    private static IEnumerable<KindInfo> Networking() =>
    [
        Cluster("networking.k8s.io", "v1", "ingressclasses", "IngressClass"),
        Kind("networking.k8s.io", "v1", "ingresses", "Ingress", "ing").With("status"),
        Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol"),
    ];

    private static IEnumerable<KindInfo> Policy() =>
        [Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb").With("status")];

    private static IEnumerable<KindInfo> Rbac() =>
    [
        Cluster("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"),
        Cluster("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
        Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
        Kind("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    ];

    private static IEnumerable<KindInfo> Scheduling() =>
    [
        Cluster("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass"),
        Cluster("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "pc"),
        Cluster("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc"),
    ];

    private static ResourceType Type(string group, string version, string kind) => new(group, version, "", kind, true);

    private static KindInfo Kind(string group, string version, string plural, string kind, params string[] shortNames) =>
        Make(new ResourceType(group, version, plural, kind, true), shortNames);

    private static KindInfo Cluster(string group, string version, string plural, string kind, params string[] shortNames) =>
        Make(new ResourceType(group, version, plural, kind, false), shortNames);

    private static KindInfo Make(ResourceType type, string[] shortNames) => new(type)
    {
        Singular = type.Kind.ToLowerInvariant(),
        ShortNames = shortNames,
        Schema = BuiltInSchemas.For(type),
    };

    // Kinds that nothing here runs. Tools look for them (kubectl apply --prune fails without) and find none.
    private static KindInfo Absent(KindInfo kind) => kind with { Verbs = ["get", "list", "watch"], IsReadOnly = true };

    private static KindInfo Review(KindInfo kind) => kind with { Verbs = CreateOnly, IsVirtual = true };

    private static KindInfo Scaled(KindInfo kind) => kind.With("status").With("scale", Type("autoscaling", "v1", "Scale")) with
    {
        Categories = ["all"],
        Scale = new ScalePaths(".spec.replicas", ".status.replicas", ".spec.selector"),
    };

    /// <summary>Adds subresources that speak the kind itself.</summary>
    private static KindInfo With(this KindInfo kind, params string[] subresources) =>
        subresources.Aggregate(kind, (k, name) => k.With(name, SpokenBy(k, name)));

    private static ResourceType SpokenBy(KindInfo kind, string subresource) => (kind.Type.Kind, subresource) switch
    {
        ("Pod", "attach") => Type("", "v1", "PodAttachOptions"),
        ("Pod", "exec") => Type("", "v1", "PodExecOptions"),
        ("Pod", "portforward") => Type("", "v1", "PodPortForwardOptions"),
        ("Pod", "proxy") => Type("", "v1", "PodProxyOptions"),
        ("Node", "proxy") => Type("", "v1", "NodeProxyOptions"),
        ("Service", "proxy") => Type("", "v1", "ServiceProxyOptions"),
        _ => kind.Type,
    };

    private static KindInfo With(this KindInfo kind, string subresource, ResourceType speaks) =>
        kind with { Subresources = new Dictionary<string, ResourceType>(kind.Subresources) { [subresource] = speaks } };
}
