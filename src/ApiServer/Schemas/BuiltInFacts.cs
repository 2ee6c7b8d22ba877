namespace Knet.ApiServer.Schemas;

/// <summary>
/// What KubernetesClient's models do not say about Kubernetes' types: how lists and maps merge, and which members must be there.
/// Facts of the published OpenAPI documents, in a notation of our own.
/// </summary>
internal static class BuiltInFacts
{
    /// <summary>
    /// <c>Type.member | list type | keys for server-side apply | merge key and strategy for strategic merge</c>. Lists that are not
    /// here are atomic and replaced.
    /// </summary>
    private const string ListTable = """
        V1ObjectMeta.finalizers|set||merge
        V1ObjectMeta.ownerReferences|map|uid|uid merge
        V1PodSpec.containers|map|name|name merge
        V1PodSpec.initContainers|map|name|name merge
        V1PodSpec.ephemeralContainers|map|name|name merge
        V1PodSpec.volumes|map|name|name merge,retainKeys
        V1PodSpec.imagePullSecrets|map|name|name merge
        V1PodSpec.hostAliases|map|ip|ip merge
        V1PodSpec.topologySpreadConstraints|map|topologyKey,whenUnsatisfiable|topologyKey merge
        V1PodSpec.schedulingGates|map|name|name merge
        V1PodSpec.resourceClaims|map|name|name merge,retainKeys
        V1PodStatus.conditions|map|type|type merge
        V1PodStatus.podIPs|map|ip|ip merge
        V1PodStatus.hostIPs|atomic||ip merge
        V1PodStatus.resourceClaimStatuses|map|name|name merge,retainKeys
        V1Container.ports|map|containerPort,protocol|containerPort merge
        V1Container.env|map|name|name merge
        V1Container.volumeMounts|map|mountPath|mountPath merge
        V1Container.volumeDevices|map|devicePath|devicePath merge
        V1EphemeralContainer.ports|map|containerPort,protocol|containerPort merge
        V1EphemeralContainer.env|map|name|name merge
        V1EphemeralContainer.volumeMounts|map|mountPath|mountPath merge
        V1EphemeralContainer.volumeDevices|map|devicePath|devicePath merge
        V1ContainerStatus.volumeMounts|map|mountPath|mountPath merge
        V1ResourceRequirements.claims|map|name|
        V1ServiceSpec.ports|map|port,protocol|port merge
        V1ServiceStatus.conditions|map|type|type merge
        V1ServiceAccount.secrets|map|name|name merge
        V1DeploymentStatus.conditions|map|type|type merge
        V1ReplicaSetStatus.conditions|map|type|type merge
        V1StatefulSetStatus.conditions|map|type|type merge
        V1DaemonSetStatus.conditions|map|type|type merge
        V1ReplicationControllerStatus.conditions|map|type|type merge
        V1JobStatus.conditions|atomic||type merge
        V1NamespaceStatus.conditions|map|type|type merge
        V1NodeStatus.conditions|map|type|type merge
        V1NodeStatus.addresses|map|type|type merge
        V1NodeSpec.podCIDRs|set||merge
        V1PersistentVolumeClaimStatus.conditions|map|type|type merge
        V1PodDisruptionBudgetStatus.conditions|map|type|type merge
        V2HorizontalPodAutoscalerStatus.conditions|map|type|type merge
        V1CustomResourceDefinitionStatus.conditions|map|type|
        V1CertificateSigningRequestStatus.conditions|map|type|
        V1APIServiceStatus.conditions|map|type|type merge
        V1MutatingWebhookConfiguration.webhooks|map|name|name merge
        V1ValidatingWebhookConfiguration.webhooks|map|name|name merge
        V1MutatingWebhook.matchConditions|map|name|name merge
        V1ValidatingWebhook.matchConditions|map|name|name merge
        V1ComponentStatus.conditions|map|type|type merge
        V1CSINodeSpec.drivers|map|name|name merge
        V1JSONSchemaProps.x-kubernetes-validations|map|rule|rule merge
        """;

    /// <summary>Types and members that server-side apply replaces whole.</summary>
    private static readonly HashSet<string> AtomicMaps = new(StringComparer.Ordinal)
    {
        "V1LabelSelector", "V1ObjectReference", "V1LocalObjectReference", "V1SecretReference", "V1SecretKeySelector",
        "V1ConfigMapKeySelector", "V1ObjectFieldSelector", "V1ResourceFieldSelector", "V1TypedLocalObjectReference", "V1NodeSelector",
        "V1NodeSelectorTerm", "V1TopologySelectorTerm", "V1ScopeSelector", "V1ScopedResourceSelectorRequirement", "V1EndpointAddress",
        "Corev1EndpointPort", "Discoveryv1EndpointPort", "V1CrossVersionObjectReference", "V2CrossVersionObjectReference", "Rbacv1Subject",
        "V1RoleRef", "V1OwnerReference", "V1PodSpec.nodeSelector", "V1ServiceSpec.selector", "V1ReplicationControllerSpec.selector",
        "V1IngressClassParametersReference",
    };

    private const string RequiredTable = """
        V1OwnerReference apiVersion kind name uid
        V1LabelSelectorRequirement key operator
        V1PodSpec containers
        V1Container name
        V1EphemeralContainer name
        V1EnvVar name
        V1Volume name
        V1VolumeMount name mountPath
        V1VolumeDevice name devicePath
        V1KeyToPath key path
        V1SecretKeySelector key
        V1ConfigMapKeySelector key
        V1ObjectFieldSelector fieldPath
        V1ResourceFieldSelector resource
        V1DownwardAPIVolumeFile path
        V1HTTPGetAction port
        V1HTTPHeader name value
        V1TCPSocketAction port
        V1HostAlias ip
        V1HostPathVolumeSource path
        V1PersistentVolumeClaimVolumeSource claimName
        V1ServiceAccountTokenProjection path
        V1TopologySpreadConstraint topologyKey whenUnsatisfiable
        V1PodCondition type status
        V1ContainerStatus name
        V1Taint key effect
        V1NodeSelector nodeSelectorTerms
        V1NodeSelectorRequirement key operator
        V1PodAffinityTerm topologyKey
        V1WeightedPodAffinityTerm podAffinityTerm
        V1PreferredSchedulingTerm preference
        V1EndpointAddress ip
        Corev1Event metadata involvedObject
        V1DeploymentSpec selector template
        V1DeploymentCondition type status
        V1ReplicaSetSpec selector
        V1ReplicaSetCondition type status
        V1StatefulSetSpec selector template
        V1DaemonSetSpec selector template
        V1JobSpec template
        V1CronJobSpec schedule jobTemplate
        V1EndpointSlice addressType endpoints
        V1Endpoint addresses
        V1RoleBinding roleRef
        V1ClusterRoleBinding roleRef
        V1RoleRef apiGroup kind name
        Rbacv1Subject kind name
        V1PolicyRule verbs
        V2HorizontalPodAutoscalerSpec scaleTargetRef
        V1HorizontalPodAutoscalerSpec scaleTargetRef
        V2CrossVersionObjectReference kind name
        V1CrossVersionObjectReference kind name
        V1CustomResourceDefinition spec
        V1CustomResourceDefinitionSpec group names scope versions
        V1CustomResourceDefinitionNames plural kind
        V1CustomResourceDefinitionVersion name
        V1CustomResourceColumnDefinition name type jsonPath
        V1StorageClass provisioner
        V1IngressBackendService name
        V1HTTPIngressPath pathType backend
        V1MutatingWebhook name clientConfig sideEffects admissionReviewVersions
        V1ValidatingWebhook name clientConfig sideEffects admissionReviewVersions
        V1SubjectAccessReview spec
        V1SelfSubjectAccessReview spec
        V1SelfSubjectRulesReview spec
        V1TokenReview spec
        Authenticationv1TokenRequest spec
        """;

    private static readonly Dictionary<string, string[]> Lists = Rows(ListTable).ToDictionary(r => r[0], r => r, StringComparer.Ordinal);

    private static readonly Dictionary<string, string[]> RequiredMembers =
        RequiredTable.Split('\n').Select(line => line.Trim().Split(' ')).ToDictionary(r => r[0], r => r[1..], StringComparer.Ordinal);

    public static IReadOnlyList<string> Required(string type) => RequiredMembers.GetValueOrDefault(type) ?? [];

    public static bool IsAtomic(string typeOrMember) => AtomicMaps.Contains(typeOrMember);

    /// <summary>Puts the facts about one member into its node, which must be the member's own and not shared.</summary>
    public static void ApplyTo(SchemaNode node, string type, string member)
    {
        var path = $"{type}.{member}";
        if (node.Type == "object" && AtomicMaps.Contains(path))
        {
            node.MapType = "atomic";
        }

        if (node.Type == "string" && member == "protocol" && type is "V1ContainerPort" or "V1ServicePort")
        {
            // A key of its list, so it must have a value there even when nobody wrote it.
            node.Default = "TCP";
        }

        if (node.Type != "array")
        {
            return;
        }

        if (!Lists.TryGetValue(path, out var row))
        {
            node.ListType = "atomic";
            return;
        }

        node.ListType = row[1];
        node.ListMapKeys = row[1] == "map" ? [.. row[2].Split(',')] : null;
        var strategic = row[3].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        node.PatchStrategy = strategic.LastOrDefault();
        node.PatchMergeKey = strategic.Length == 2 ? strategic[0] : null;
    }

    private static IEnumerable<string[]> Rows(string table) => table.Split('\n').Select(line => line.Trim().Split('|'));
}
