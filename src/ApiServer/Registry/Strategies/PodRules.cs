using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>What a pod's specification must fulfil, in pods and in templates.</summary>
internal static class PodRules
{
    private static readonly string[] RestartPolicies = ["Always", "OnFailure", "Never"];
    private static readonly string[] DnsPolicies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    private static readonly string[] PullPolicies = ["Always", "IfNotPresent", "Never"];
    private static readonly string[] Protocols = ["TCP", "UDP", "SCTP"];

    public static void Validate(JsonObject? spec, string path, FieldErrors errors)
    {
        var volumes = ValidateVolumes(spec, path + ".volumes", errors);
        if (spec.Items("containers").FirstOrDefault() is null)
        {
            errors.Required(path + ".containers");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        ValidateContainers(spec, "initContainers", path, names, volumes, errors);
        ValidateContainers(spec, "containers", path, names, volumes, errors);
        OneOf(spec, "restartPolicy", path, RestartPolicies, errors);
        OneOf(spec, "dnsPolicy", path, DnsPolicies, errors);
        if (spec.Number("terminationGracePeriodSeconds") < 0)
        {
            errors.Invalid(
                path + ".terminationGracePeriodSeconds", spec!["terminationGracePeriodSeconds"]!.DeepClone(), "must be greater than or equal to 0");
        }

        if (spec.Text("serviceAccountName") is { Length: > 0 } account && !DnsNames.Is1123Subdomain(account))
        {
            errors.Invalid(path + ".serviceAccountName", account, DnsNames.Subdomain1123Message);
        }
    }

    public static void Port(JsonNode? value, string path, FieldErrors errors)
    {
        if (value is JsonValue && long.TryParse(value.ToJsonString(), out var port) && port is < 1 or > 65535)
        {
            errors.Invalid(path, value.DeepClone(), "must be between 1 and 65535, inclusive");
        }
    }

    private static HashSet<string> ValidateVolumes(JsonObject? spec, string path, FieldErrors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var volume in spec.Items("volumes"))
        {
            var at = $"{path}[{index++}]";
            Name(volume, at, names, errors);
            if (volume.Count(m => m.Key != "name" && m.Value is not null) > 1)
            {
                errors.Forbidden(at, "may not specify more than 1 volume type");
            }
        }

        return names;
    }

    private static void ValidateContainers(
        JsonObject? spec, string member, string path, HashSet<string> names, HashSet<string> volumes, FieldErrors errors)
    {
        var index = 0;
        foreach (var container in spec.Items(member))
        {
            var at = $"{path}.{member}[{index++}]";
            Name(container, at, names, errors);
            if (container.Text("image") is not { Length: > 0 } image)
            {
                errors.Required(at + ".image");
            }
            else if (image.Trim() != image)
            {
                errors.Invalid(at + ".image", image, "must not have leading or trailing whitespace");
            }

            OneOf(container, "imagePullPolicy", at, PullPolicies, errors);
            ValidatePorts(container, at + ".ports", errors);
            ValidateEnv(container, at + ".env", errors);
            PodResources.Validate(container.Object("resources"), at + ".resources", errors);
            ValidateMounts(container, at + ".volumeMounts", volumes, errors);
            foreach (var probe in (string[])["livenessProbe", "readinessProbe", "startupProbe"])
            {
                ValidateProbe(container.Object(probe), $"{at}.{probe}", probe != "readinessProbe", errors);
            }
        }
    }

    private static void ValidatePorts(JsonObject container, string path, FieldErrors errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var port in container.Items("ports"))
        {
            var at = $"{path}[{index++}]";
            if (port["containerPort"] is null)
            {
                errors.Required(at + ".containerPort");
            }

            Port(port["containerPort"], at + ".containerPort", errors);
            OneOf(port, "protocol", at, Protocols, errors);
            if (port.Text("name") is { Length: > 0 } name)
            {
                if (name.Length > 15)
                {
                    errors.Invalid(at + ".name", name, "must be no more than 15 characters");
                }
                else if (!names.Add(name))
                {
                    errors.Duplicate(at + ".name", name);
                }
            }
        }
    }

    private static void ValidateEnv(JsonObject container, string path, FieldErrors errors)
    {
        var index = 0;
        foreach (var variable in container.Items("env"))
        {
            var at = $"{path}[{index++}]";
            if (variable.Text("name") is not { Length: > 0 })
            {
                errors.Required(at + ".name");
            }

            if (variable.Object("valueFrom") is { Count: > 0 } && variable.Text("value") is { Length: > 0 })
            {
                errors.Invalid(at + ".valueFrom", "", "may not be specified when `value` is not empty");
            }
        }
    }

    private static void ValidateMounts(JsonObject container, string path, HashSet<string> volumes, FieldErrors errors)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var index = 0;
        foreach (var mount in container.Items("volumeMounts"))
        {
            var at = $"{path}[{index++}]";
            if (mount.Text("name") is not { Length: > 0 } name)
            {
                errors.Required(at + ".name");
            }
            else if (!volumes.Contains(name))
            {
                errors.NotFound(at + ".name", name);
            }

            if (mount.Text("mountPath") is not { Length: > 0 } target)
            {
                errors.Required(at + ".mountPath");
            }
            else if (!paths.Add(target))
            {
                errors.Invalid(at + ".mountPath", target, "must be unique");
            }
        }
    }

    private static void ValidateProbe(JsonObject? probe, string path, bool once, FieldErrors errors)
    {
        if (probe is null)
        {
            return;
        }

        var handlers = new[] { "exec", "httpGet", "tcpSocket", "grpc" }.Count(h => probe[h] is not null);
        if (handlers == 0)
        {
            errors.Required(path, "must specify a handler type");
        }
        else if (handlers > 1)
        {
            errors.Forbidden(path, "may not specify more than 1 handler type");
        }

        if (probe.Object("httpGet") is { } get)
        {
            Port(get["port"], path + ".httpGet.port", errors);
        }

        if (once && probe.Number("successThreshold") is { } threshold && threshold != 1)
        {
            errors.Invalid(path + ".successThreshold", threshold, "must be 1");
        }
    }

    private static void Name(JsonObject item, string at, HashSet<string> names, FieldErrors errors)
    {
        if (item.Text("name") is not { Length: > 0 } name)
        {
            errors.Required(at + ".name");
        }
        else if (!DnsNames.Is1123Label(name))
        {
            errors.Invalid(at + ".name", name, DnsNames.Label1123Message);
        }
        else if (!names.Add(name))
        {
            errors.Duplicate(at + ".name", name);
        }
    }

    private static void OneOf(JsonObject? holder, string member, string path, string[] allowed, FieldErrors errors)
    {
        if (holder.Text(member) is { } value && !allowed.Contains(value))
        {
            errors.NotSupported($"{path}.{member}", value, allowed);
        }
    }
}
