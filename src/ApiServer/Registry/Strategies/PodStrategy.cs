using System.Security.Cryptography;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Pods: defaults, the service account and its token, and what of a pod may change.</summary>
internal sealed class PodStrategy(RegistryParts parts) : KindStrategy
{
    private const string TokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const string TokenVolumePrefix = "kube-api-access-";
    private const string NameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

    // Kubernetes uses an hour and seven seconds, so that the number marks tokens made this way.
    private const int TokenSeconds = 3607;

    public override bool HasGeneration => true;

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        PodDefaults.Apply(spec);
        spec.Default("enableServiceLinks", true);
        if (spec.Flag("hostNetwork") == true)
        {
            foreach (var port in spec.Items("containers").SelectMany(c => c.Items("ports")))
            {
                if (port["containerPort"] is { } number)
                {
                    port.Default("hostPort", number.DeepClone());
                }
            }
        }
    }

    public override void PrepareCreate(WriteContext write)
    {
        if (write.Object.Object("status") is null)
        {
            write.Object["status"] = new JsonObject { ["phase"] = "Pending" };
        }
    }

    public override void Complete(WriteContext write)
    {
        if (!write.IsCreate)
        {
            return;
        }

        var spec = write.Object.Ensure("spec");
        parts.Limits.Complete(write);
        write.Object.Ensure("status").Default("qosClass", QosClass(spec));
        AddServiceAccount(write, spec);
        AddTolerations(spec);
        AddPriority(write, spec);
        CheckRuntimeClass(write, spec);
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        PodRules.Validate(write.Object.Object("spec"), "spec", errors);
        if (write.Old is { } old && write.Subresource.Length == 0 && !SameButMutable(old.Object("spec")!, write.Object.Object("spec")!))
        {
            errors.Forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
                + "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)");
        }
    }

    /// <summary>What Kubernetes calls the quality of service, by the resources asked for.</summary>
    private static string QosClass(JsonObject spec)
    {
        var containers = spec.Items("containers").Concat(spec.Items("initContainers")).Select(c => c.Object("resources")).ToList();
        if (containers.All(r => r.Object("limits") is not { Count: > 0 } && r.Object("requests") is not { Count: > 0 }))
        {
            return "BestEffort";
        }

        var guaranteed = containers.All(r => ((string[])["cpu", "memory"]).All(name =>
            r.Object("limits")?[name] is { } limit
            && (r.Object("requests")?[name] is not { } request || request.ToString() == limit.ToString())));
        return guaranteed ? "Guaranteed" : "Burstable";
    }

    private static bool SameButMutable(JsonObject old, JsonObject now)
    {
        var (a, b) = (old.DeepClone().AsObject(), now.DeepClone().AsObject());
        foreach (var spec in (JsonObject[])[a, b])
        {
            spec.Remove("tolerations");
            spec.Remove("activeDeadlineSeconds");
            spec.Remove("terminationGracePeriodSeconds");
            spec.Remove("schedulingGates");
            foreach (var container in spec.Items("containers").Concat(spec.Items("initContainers")))
            {
                container.Remove("image");
                container.Remove("imagePullPolicy"); // its default follows the image's tag
            }
        }

        return JsonNode.DeepEquals(a, b);
    }

    // Kubernetes' DefaultTolerationSeconds: a pod stays five minutes on a node that is not ready.
    private static void AddTolerations(JsonObject spec)
    {
        var tolerations = spec.Array("tolerations");
        if (tolerations is null)
        {
            spec["tolerations"] = tolerations = [];
        }

        foreach (var key in (string[])["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (!tolerations.OfType<JsonObject>().Any(t => t.Text("key") == key || (t.Text("key") is null && t.Text("operator") == "Exists")))
            {
                tolerations.Add(new JsonObject
                {
                    ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = 300,
                });
            }
        }
    }

    private void AddPriority(WriteContext write, JsonObject spec)
    {
        var classes = parts.Store.Snapshot("scheduling.k8s.io/priorityclasses").Range("");
        V1PriorityClass? found;
        if (spec.Text("priorityClassName") is { Length: > 0 } name)
        {
            found = classes.FirstOrDefault(c => c.Key.Name == name)?.Document.As<V1PriorityClass>()
                ?? throw Refusals.Forbidden(write.Hub.Type, write.Name, $"no PriorityClass with name {name} was found");
        }
        else
        {
            found = classes.Select(c => c.Document.As<V1PriorityClass>()).Where(c => c.GlobalDefault == true).MinBy(c => c.Value);
            if (found is not null)
            {
                spec["priorityClassName"] = found.Metadata.Name;
            }
        }

        var priority = found?.Value ?? 0;
        if (spec.Number("priority") is { } given && given != priority)
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name,
                $"the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed "
                + $"{priority} from the given PriorityClass name");
        }

        spec["priority"] = priority;
        spec.Default("preemptionPolicy", found?.PreemptionPolicy ?? "PreemptLowerPriority");
    }

    // The admission plug-in of Kubernetes, and what its kubelet finds out later: there is one way to run containers here.
    private void CheckRuntimeClass(WriteContext write, JsonObject spec)
    {
        if (spec.Text("runtimeClassName") is not { Length: > 0 } name)
        {
            return;
        }

        var found = parts.Store.Find("node.k8s.io/runtimeclasses", new ObjectKey("", name))
            ?? throw Refusals.Forbidden(write.Hub.Type, write.Name, $"pod rejected: RuntimeClass \"{name}\" not found");
        if (found.Document.As<V1RuntimeClass>().Handler is not ("crun" or "runc") and var handler)
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name,
                $"pod rejected: RuntimeClass \"{name}\" has the handler \"{handler}\", which the node does not know; it has crun and runc");
        }
    }

    private void AddServiceAccount(WriteContext write, JsonObject spec)
    {
        if (write.Object.Object("metadata").Object("annotations")?["kubernetes.io/config.mirror"] is not null)
        {
            return; // mirror pods have no account: their node reads them from elsewhere
        }

        var name = spec.Text("serviceAccountName") is { Length: > 0 } given ? given
            : spec.Text("serviceAccount") is { Length: > 0 } old ? old
            : "default";
        spec["serviceAccountName"] = name;
        spec["serviceAccount"] = name;
        var found = parts.Store.Find("/serviceaccounts", new ObjectKey(write.Namespace, name));
        if (found is null)
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name,
                $"error looking up service account {write.Namespace}/{name}: serviceaccount \"{name}\" not found");
        }

        var account = ObjectBodies.Parse(found.Document);
        if (spec.Array("imagePullSecrets") is not { Count: > 0 } && account["imagePullSecrets"] is { } secrets)
        {
            spec["imagePullSecrets"] = secrets.DeepClone();
        }

        if (spec.Flag("automountServiceAccountToken") ?? account.Flag("automountServiceAccountToken") ?? true)
        {
            MountToken(spec);
        }
    }

    private static void MountToken(JsonObject spec)
    {
        var containers = spec.Items("containers").Concat(spec.Items("initContainers"))
            .Where(c => !c.Items("volumeMounts").Any(m => m.Text("mountPath") == TokenMountPath)).ToList();
        if (containers.Count == 0)
        {
            return;
        }

        var volume = spec.Items("volumes").FirstOrDefault(v => v.Text("name")?.StartsWith(TokenVolumePrefix, StringComparison.Ordinal) == true);
        var name = volume.Text("name") ?? TokenVolumePrefix + RandomNumberGenerator.GetString(NameAlphabet, 5);
        if (volume is null)
        {
            var volumes = spec.Array("volumes");
            if (volumes is null)
            {
                spec["volumes"] = volumes = [];
            }

            volumes.Add(TokenVolume(name));
        }

        foreach (var container in containers)
        {
            var mounts = container.Array("volumeMounts");
            if (mounts is null)
            {
                container["volumeMounts"] = mounts = [];
            }

            mounts.Add(new JsonObject { ["name"] = name, ["readOnly"] = true, ["mountPath"] = TokenMountPath });
        }
    }

    private static JsonObject TokenVolume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = TokenSeconds, ["path"] = "token" } },
                new JsonObject
                {
                    ["configMap"] = new JsonObject
                    {
                        ["name"] = "kube-root-ca.crt",
                        ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }),
                    },
                },
                new JsonObject
                {
                    ["downwardAPI"] = new JsonObject
                    {
                        ["items"] = new JsonArray(new JsonObject
                        {
                            ["path"] = "namespace",
                            ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" },
                        }),
                    },
                }),
            ["defaultMode"] = 420,
        },
    };
}
