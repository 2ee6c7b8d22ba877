using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>The defaults of a pod's specification, in pods and in templates.</summary>
internal static class PodDefaults
{
    public static void Apply(JsonObject spec)
    {
        spec.Default("restartPolicy", "Always");
        spec.Default("dnsPolicy", "ClusterFirst");
        spec.Default("schedulerName", "default-scheduler");
        spec.Default("securityContext", new JsonObject());
        spec.Default("terminationGracePeriodSeconds", 30);
        if (spec.Text("serviceAccountName") is { Length: > 0 } account)
        {
            spec.Default("serviceAccount", account);
        }
        else if (spec.Text("serviceAccount") is { Length: > 0 } old)
        {
            spec["serviceAccountName"] = old;
        }

        foreach (var container in spec.Items("initContainers").Concat(spec.Items("containers")))
        {
            ApplyToContainer(container);
        }

        foreach (var volume in spec.Items("volumes"))
        {
            ApplyToVolume(volume);
        }
    }

    private static void ApplyToContainer(JsonObject container)
    {
        container.Default("resources", new JsonObject());
        container.Default("terminationMessagePath", "/dev/termination-log");
        container.Default("terminationMessagePolicy", "File");
        container.Default("imagePullPolicy", PullPolicy(container.Text("image") ?? ""));
        foreach (var port in container.Items("ports"))
        {
            port.Default("protocol", "TCP");
        }

        foreach (var variable in container.Items("env"))
        {
            variable.Object("valueFrom").Object("fieldRef")?.Default("apiVersion", "v1");
        }

        foreach (var probe in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
        {
            if (container.Object(probe) is { } given)
            {
                ApplyToProbe(given);
            }
        }

        ApplyToHandler(container.Object("lifecycle").Object("postStart"));
        ApplyToHandler(container.Object("lifecycle").Object("preStop"));
        if (container.Object("resources") is { } resources && resources.Object("limits") is { } limits)
        {
            var requests = resources.Ensure("requests");
            foreach (var (name, amount) in limits)
            {
                requests.Default(name, amount!.DeepClone());
            }
        }
    }

    private static void ApplyToProbe(JsonObject probe)
    {
        probe.Default("timeoutSeconds", 1);
        probe.Default("periodSeconds", 10);
        probe.Default("successThreshold", 1);
        probe.Default("failureThreshold", 3);
        probe.Object("grpc")?.Default("service", "");
        ApplyToHandler(probe);
    }

    private static void ApplyToHandler(JsonObject? handler)
    {
        if (handler.Object("httpGet") is { } get)
        {
            get.Default("path", "/");
            get.Default("scheme", "HTTP");
        }
    }

    private static void ApplyToVolume(JsonObject volume)
    {
        if (!volume.Any(m => m.Key != "name"))
        {
            volume["emptyDir"] = new JsonObject();
        }

        volume.Object("configMap")?.Default("defaultMode", 420);
        volume.Object("secret")?.Default("defaultMode", 420);
        volume.Object("downwardAPI")?.Default("defaultMode", 420);
        volume.Object("hostPath")?.Default("type", "");
        if (volume.Object("projected") is { } projected)
        {
            projected.Default("defaultMode", 420);
            foreach (var source in projected.Items("sources"))
            {
                source.Object("serviceAccountToken")?.Default("expirationSeconds", 3600);
                FieldVersions(source.Object("downwardAPI"));
            }
        }

        FieldVersions(volume.Object("downwardAPI"));
    }

    private static void FieldVersions(JsonObject? downward)
    {
        foreach (var item in downward.Items("items"))
        {
            item.Object("fieldRef")?.Default("apiVersion", "v1");
        }
    }

    // Always for :latest or no tag; a digest never changes.
    private static string PullPolicy(string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
        {
            return "IfNotPresent";
        }

        var name = image[(image.LastIndexOf('/') + 1)..];
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || name[(colon + 1)..] == "latest" ? "Always" : "IfNotPresent";
    }
}
