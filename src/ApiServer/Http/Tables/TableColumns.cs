using System.Text.Json;

namespace Knet.ApiServer.Http.Tables;

/// <summary>One column of a table and how its cell is found. Cells are strings, numbers or booleans.</summary>
/// <param name="Priority">0 always shown, 1 with <c>-o wide</c>.</param>
internal sealed record TableColumn(
    string Name, string Type, int Priority, Func<JsonElement, DateTimeOffset, object?> Cell, string Format = "", string Description = "")
{
    public static TableColumn Of(string name, Func<JsonElement, object?> cell, string type = "string") => new(name, type, 0, (o, _) => cell(o));

    public static TableColumn Wide(string name, Func<JsonElement, object?> cell, string type = "string") => new(name, type, 1, (o, _) => cell(o));

    public static TableColumn Name_ { get; } = new("Name", "string", 0, (o, _) => o.Text("metadata", "name"), "name");

    public static TableColumn Age { get; } =
        new("Age", "string", 0, (o, now) => HumanDuration.Since(o.Text("metadata", "creationTimestamp"), now));

    public static TableColumn CreatedAt { get; } = Of("Created At", o => o.Text("metadata", "creationTimestamp"));
}

/// <summary>The columns of the built-in kinds, as kubectl users know them.</summary>
internal static class TableColumns
{
    private static readonly Dictionary<string, IReadOnlyList<TableColumn>> ByResource = new(StringComparer.Ordinal)
    {
        ["pods"] = PodColumns.All,
        ["services"] = ServiceColumns.All,
        ["nodes"] = NodeColumns.All,
        ["events"] = EventColumns.All,
        ["events.events.k8s.io"] = EventColumns.All,
        ["deployments.apps"] = WorkloadColumns.Deployments,
        ["replicasets.apps"] = WorkloadColumns.ReplicaSets,
        ["statefulsets.apps"] = WorkloadColumns.StatefulSets,
        ["daemonsets.apps"] = WorkloadColumns.DaemonSets,
        ["jobs.batch"] = WorkloadColumns.Jobs,
        ["cronjobs.batch"] = WorkloadColumns.CronJobs,
        ["horizontalpodautoscalers.autoscaling"] = WorkloadColumns.Autoscalers,
        ["poddisruptionbudgets.policy"] = WorkloadColumns.DisruptionBudgets,
        ["endpoints"] = ServiceColumns.Endpoints,
        ["endpointslices.discovery.k8s.io"] = ServiceColumns.EndpointSlices,
        ["ingresses.networking.k8s.io"] = ServiceColumns.Ingresses,
        ["networkpolicies.networking.k8s.io"] =
            [TableColumn.Name_, TableColumn.Of("Pod-Selector", o => Selector(o.At("spec", "podSelector"))), TableColumn.Age],
        ["namespaces"] = [TableColumn.Name_, TableColumn.Of("Status", o => o.Text("status", "phase")), TableColumn.Age],
        ["configmaps"] = [TableColumn.Name_, TableColumn.Of("Data", o => Count(o, "data") + Count(o, "binaryData"), "integer"), TableColumn.Age],
        ["secrets"] =
        [
            TableColumn.Name_, TableColumn.Of("Type", o => o.Text("type")), TableColumn.Of("Data", o => Count(o, "data"), "integer"), TableColumn.Age,
        ],
        ["serviceaccounts"] = [TableColumn.Name_, TableColumn.Of("Secrets", o => (long)o.Items("secrets").Count(), "integer"), TableColumn.Age],
        ["leases.coordination.k8s.io"] = [TableColumn.Name_, TableColumn.Of("Holder", o => o.Text("spec", "holderIdentity")), TableColumn.Age],
        ["customresourcedefinitions.apiextensions.k8s.io"] = [TableColumn.Name_, TableColumn.CreatedAt],
        ["roles.rbac.authorization.k8s.io"] = [TableColumn.Name_, TableColumn.CreatedAt],
        ["clusterroles.rbac.authorization.k8s.io"] = [TableColumn.Name_, TableColumn.CreatedAt],
        ["rolebindings.rbac.authorization.k8s.io"] = BindingColumns(),
        ["clusterrolebindings.rbac.authorization.k8s.io"] = BindingColumns(),
        ["storageclasses.storage.k8s.io"] =
        [
            TableColumn.Of("Name", ClassName), TableColumn.Of("Provisioner", o => o.Text("provisioner")),
            TableColumn.Of("ReclaimPolicy", o => o.Text("reclaimPolicy")),
            TableColumn.Of("VolumeBindingMode", o => o.Text("volumeBindingMode")),
            TableColumn.Of("AllowVolumeExpansion", o => o.IsTrue("allowVolumeExpansion"), "boolean"), TableColumn.Age,
        ],
        ["persistentvolumes"] =
        [
            TableColumn.Name_, TableColumn.Of("Capacity", o => o.Text("spec", "capacity", "storage")),
            TableColumn.Of("Access Modes", o => AccessModes(o.Items("spec", "accessModes"))),
            TableColumn.Of("Reclaim Policy", o => o.Text("spec", "persistentVolumeReclaimPolicy")),
            TableColumn.Of("Status", o => o.Has("metadata", "deletionTimestamp") ? "Terminating" : o.Text("status", "phase")),
            TableColumn.Of("Claim", o => o.Has("spec", "claimRef")
                ? $"{o.Text("spec", "claimRef", "namespace")}/{o.Text("spec", "claimRef", "name")}" : ""),
            TableColumn.Of("StorageClass", o => o.Text("spec", "storageClassName")),
            TableColumn.Of("VolumeAttributesClass", o => "<unset>"), TableColumn.Of("Reason", o => o.Text("status", "reason")),
            TableColumn.Age, TableColumn.Wide("VolumeMode", o => o.Text("spec", "volumeMode")),
        ],
        ["persistentvolumeclaims"] =
        [
            TableColumn.Name_,
            TableColumn.Of("Status", o => o.Has("metadata", "deletionTimestamp") ? "Terminating" : o.Text("status", "phase")),
            TableColumn.Of("Volume", o => o.Text("spec", "volumeName")),
            TableColumn.Of("Capacity", o => o.Text("status", "capacity", "storage")),
            TableColumn.Of("Access Modes", o => AccessModes(o.Items("status", "accessModes"))),
            TableColumn.Of("StorageClass", o => o.Text("spec", "storageClassName")),
            TableColumn.Of("VolumeAttributesClass", o => "<unset>"), TableColumn.Age,
            TableColumn.Wide("VolumeMode", o => o.Text("spec", "volumeMode")),
        ],
        ["resourcequotas"] =
        [
            TableColumn.Name_, TableColumn.Of("Request", o => Quotas(o, limits: false)), TableColumn.Of("Limit", o => Quotas(o, limits: true)),
            TableColumn.Age,
        ],
        ["priorityclasses.scheduling.k8s.io"] =
        [
            TableColumn.Name_, TableColumn.Of("Value", o => o.Number("value"), "integer"),
            TableColumn.Of("Global-Default", o => o.IsTrue("globalDefault"), "boolean"), TableColumn.Age,
            TableColumn.Of("PreemptionPolicy", o => o.Text("preemptionPolicy")),
        ],
    };

    private static readonly IReadOnlyList<TableColumn> Plain = [TableColumn.Name_, TableColumn.Age];

    public static IReadOnlyList<TableColumn> For(Registry.KindInfo kind) =>
        kind.IsCustom ? CustomColumns.For(kind) : ByResource.GetValueOrDefault(kind.Type.GroupResource, Plain);

    // "pods: 1/2, requests.cpu: 100m/1": what is used of what is allowed.
    private static string Quotas(JsonElement quota, bool limits) => string.Join(", ", quota.At("status").Members("hard")
        .Where(h => h.Name.StartsWith("limits.", StringComparison.Ordinal) == limits).OrderBy(h => h.Name, StringComparer.Ordinal)
        .Select(h => $"{h.Name}: {(quota.Text("status", "used", h.Name) is { Length: > 0 } used ? used : "0")}/{h.Value}"));

    /// <summary>A label selector in its short form: <c>app=web,tier in (a,b)</c>.</summary>
    public static string Selector(JsonElement selector)
    {
        var parts = selector.Members("matchLabels").Select(m => $"{m.Name}={m.Value}").Concat(
            selector.Items("matchExpressions").Select(e => e.Text("operator") switch
            {
                "Exists" => e.Text("key"),
                "DoesNotExist" => "!" + e.Text("key"),
                "In" => $"{e.Text("key")} in ({Joined(e.Items("values"))})",
                _ => $"{e.Text("key")} notin ({Joined(e.Items("values"))})",
            }));
        return string.Join(',', parts).OrNone();
    }

    /// <summary>A plain map in its short form: <c>a=1,b=2</c>.</summary>
    public static string Map(JsonElement map) => string.Join(',', map.Members().Select(m => $"{m.Name}={m.Value}")).OrNone();

    public static string Joined(IEnumerable<JsonElement> values) => string.Join(',', values.Select(v => v.ToString()));

    private static string ClassName(JsonElement o) => o.Text("metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true"
        ? o.Text("metadata", "name") + " (default)"
        : o.Text("metadata", "name");

    private static string AccessModes(IEnumerable<JsonElement> modes) => string.Join(',', modes.Select(m => m.ToString() switch
    {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        var other => other,
    }));

    private static long Count(JsonElement value, string member) => value.Members(member).Count();

    private static IReadOnlyList<TableColumn> BindingColumns()
    {
        static string Subjects(JsonElement o, string kind) =>
            string.Join(", ", o.Items("subjects").Where(s => s.Text("kind") == kind)
                .Select(s => kind == "ServiceAccount" ? $"{s.Text("namespace")}/{s.Text("name")}" : s.Text("name")));
        return
        [
            TableColumn.Name_, TableColumn.Of("Role", o => $"{o.Text("roleRef", "kind")}/{o.Text("roleRef", "name")}"), TableColumn.Age,
            TableColumn.Wide("Users", o => Subjects(o, "User")), TableColumn.Wide("Groups", o => Subjects(o, "Group")),
            TableColumn.Wide("ServiceAccounts", o => Subjects(o, "ServiceAccount")),
        ];
    }
}
