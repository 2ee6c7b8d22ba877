using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

internal enum ContainerRole
{
    Serving,
    Sidecar,
    Init,
}

/// <summary>What the rules of one container need to know of the rest.</summary>
internal sealed record ContainerContext(FeaturesConfig Features, IReadOnlyDictionary<string, V1Volume> Volumes, FieldErrors Errors);

/// <summary>What a Revision's container may say (serving.md 5.2 and 5.3).</summary>
internal static class ContainerValidation
{
    private static readonly HashSet<int> ReservedPorts = [8008, 8012, 8013, 8022, 9090, 9091];

    public static void Validate(V1Container container, ContainerRole role, string? portName, ContainerContext context, string path)
    {
        var errors = context.Errors;
        Mask(container, role, path, errors);
        if (container.Name == "queue-proxy")
        {
            errors.Add("\"queue-proxy\" is a reserved container name", $"{path}.name");
        }

        Environment(container, role, context, path);
        if (string.IsNullOrEmpty(container.Image))
        {
            errors.Missing($"{path}.image");
        }
        else if (ImageReference.TryParse(container.Image) is null)
        {
            errors.Add(
                "Failed to parse image reference", $"{path}.image",
                $"image: \"{container.Image}\", error: could not parse reference: {container.Image}");
        }

        Ports(container.Ports, role, path, errors);
        if (container.Resources?.Claims is { Count: > 0 })
        {
            errors.Disallowed($"{path}.resources.claims");
        }

        Resources(container.Resources, $"{path}.resources", errors);
        SecurityContext(container.SecurityContext, context.Features, $"{path}.securityContext", errors);
        if (container.TerminationMessagePolicy is not (null or "" or "File" or "FallbackToLogsOnError"))
        {
            errors.Invalid(container.TerminationMessagePolicy, $"{path}.terminationMessagePolicy");
        }

        VolumeValidation.Mounts(container.VolumeMounts, context, $"{path}.volumeMounts");
        ProbeValidation.OfContainer(container, role, portName, context, path);
    }

    private static void Mask(V1Container container, ContainerRole role, string path, FieldErrors errors)
    {
        void Disallow(bool isSet, string field)
        {
            if (isSet)
            {
                errors.Disallowed($"{path}.{field}");
            }
        }

        if (role == ContainerRole.Init && container.Lifecycle is not null)
        {
            errors.Add("field not allowed in an init container", $"{path}.lifecycle");
        }

        Disallow(container.Lifecycle is not null, "lifecycle");
        Disallow(container.Stdin == true, "stdin");
        Disallow(container.StdinOnce == true, "stdinOnce");
        Disallow(container.Tty == true, "tty");
        Disallow(container.VolumeDevices is { Count: > 0 }, "volumeDevices");
        Disallow(container.ResizePolicy is { Count: > 0 }, "resizePolicy");
        Disallow(!string.IsNullOrEmpty(container.RestartPolicy), "restartPolicy");
        Disallow(container.RestartPolicyRules is { Count: > 0 }, "restartPolicyRules");
    }

    // The Deployment's pods would be refused for it, which its author learns late and elsewhere.
    private static void Resources(V1ResourceRequirements? resources, string path, FieldErrors errors)
    {
        foreach (var (name, request) in resources?.Requests ?? new Dictionary<string, ResourceQuantity>())
        {
            if (resources!.Limits?.TryGetValue(name, out var limit) == true && request.ToDecimal() > limit.ToDecimal())
            {
                errors.Invalid(request.ToString(), $"{path}.requests.{name}", $"must be less than or equal to {name} limit of {limit}");
            }
        }
    }

    private static void Environment(V1Container container, ContainerRole role, ContainerContext context, string path)
    {
        for (var i = 0; i < (container.Env?.Count ?? 0); i++)
        {
            var (variable, at) = (container.Env![i], $"{path}.env[{i}]");
            if (string.IsNullOrEmpty(variable.Name))
            {
                context.Errors.Missing($"{at}.name");
            }
            else if (variable.Name is "K_SERVICE" or "K_CONFIGURATION" or "K_REVISION" ||
                (variable.Name == "PORT" && role == ContainerRole.Serving))
            {
                context.Errors.Add($"\"{variable.Name}\" is a reserved environment variable", $"{at}.name");
            }

            if (context.Features.FieldRef == FeatureFlag.Disabled)
            {
                DisallowFieldRef(variable.ValueFrom?.FieldRef is not null, $"{at}.valueFrom.fieldRef", context.Errors);
                DisallowFieldRef(variable.ValueFrom?.ResourceFieldRef is not null, $"{at}.valueFrom.resourceFieldRef", context.Errors);
            }

            if (variable.ValueFrom?.FileKeyRef is not null)
            {
                context.Errors.Disallowed($"{at}.valueFrom.fileKeyRef");
            }
        }

        for (var i = 0; i < (container.EnvFrom?.Count ?? 0); i++)
        {
            var source = container.EnvFrom![i];
            var fields = new[] { $"{path}.envFrom[{i}].configMapRef", $"{path}.envFrom[{i}].secretRef" };
            if (source.ConfigMapRef is not null && source.SecretRef is not null)
            {
                context.Errors.MultipleOneOf(fields);
            }
            else if (source.ConfigMapRef is null && source.SecretRef is null)
            {
                context.Errors.MissingOneOf(fields);
            }
        }
    }

    private static void DisallowFieldRef(bool isSet, string path, FieldErrors errors)
    {
        if (isSet)
        {
            errors.Add("must not set the field(s)", path, PodValidation.Hint(FeatureKeys.FieldRef));
        }
    }

    private static void Ports(IList<V1ContainerPort>? ports, ContainerRole role, string path, FieldErrors errors)
    {
        // Beyond the first the count itself is wrong (said elsewhere), except in init containers.
        for (var i = 0; i < (role == ContainerRole.Init ? ports?.Count ?? 0 : Math.Min(ports?.Count ?? 0, 1)); i++)
        {
            var (port, at) = (ports![i], $"{path}.ports");
            if (!string.IsNullOrEmpty(port.HostIP))
            {
                errors.Disallowed($"{at}.hostIP");
            }

            if (port.HostPort is not (null or 0))
            {
                errors.Disallowed($"{at}.hostPort");
            }

            if (ReservedPorts.Contains(port.ContainerPort))
            {
                errors.Invalid(
                    $"{port.ContainerPort} is a reserved port", $"{at}.containerPort",
                    $"{port.ContainerPort} is a reserved port, please use a different value");
            }

            if (port.ContainerPort is < 0 or > 65535)
            {
                errors.OutOfBounds(port.ContainerPort, 0, 65535, $"{at}.containerPort");
            }

            if (role == ContainerRole.Init)
            {
                continue;
            }

            if (port.Protocol is not (null or "" or "TCP"))
            {
                errors.Invalid(port.Protocol, $"{at}.protocol");
            }

            if (port.Name is not (null or "" or "h2c" or "http1"))
            {
                errors.Add($"Port name {port.Name} is not allowed", at, "Name must be empty, or one of: 'h2c', 'http1'");
            }
        }
    }

    private static void SecurityContext(V1SecurityContext? context, FeaturesConfig features, string path, FieldErrors errors)
    {
        if (context is null)
        {
            return;
        }

        void Disallow(bool isSet, string field)
        {
            if (isSet)
            {
                errors.Disallowed($"{path}.{field}");
            }
        }

        Disallow(context.Privileged == true, "privileged");
        Disallow(context.SeLinuxOptions is not null, "seLinuxOptions");
        Disallow(context.WindowsOptions is not null, "windowsOptions");
        Disallow(context.ProcMount is not null, "procMount");
        Disallow(context.AppArmorProfile is not null, "appArmorProfile");
        var isOnlyLowPorts = features.HasSecureDefaults && context.Capabilities?.Add is ["NET_BIND_SERVICE"];
        if (context.Capabilities?.Add is { Count: > 0 } && features.AddCapabilities == FeatureFlag.Disabled && !isOnlyLowPorts)
        {
            errors.Add("must not set the field(s)", $"{path}.capabilities.add", PodValidation.Hint(FeatureKeys.AddCapabilities));
        }

        PodValidation.Id(context.RunAsUser, $"{path}.runAsUser", errors);
        PodValidation.Id(context.RunAsGroup, $"{path}.runAsGroup", errors);
    }
}

/// <summary>What a probe may say.</summary>
internal static class ProbeValidation
{
    public static void OfContainer(V1Container container, ContainerRole role, string? portName, ContainerContext context, string path)
    {
        var probes = new[]
        {
            (container.LivenessProbe, "livenessProbe"), (container.ReadinessProbe, "readinessProbe"),
            (container.StartupProbe, "startupProbe"),
        };
        foreach (var (probe, name) in probes)
        {
            if (probe is null)
            {
                continue;
            }

            var at = $"{path}.{name}";
            if (role == ContainerRole.Init)
            {
                context.Errors.Add("field not allowed in an init container", at);
            }
            else if (role == ContainerRole.Sidecar && context.Features.MultiContainerProbing != FeatureFlag.Enabled)
            {
                NotInSidecars(probe, at, context.Errors);
            }
            else
            {
                Handlers(probe, role == ContainerRole.Serving ? portName : null, at, context.Errors);
                if (name == "readinessProbe")
                {
                    Readiness(probe, at, context.Errors);
                }
            }
        }
    }

    private static void NotInSidecars(V1Probe probe, string path, FieldErrors errors)
    {
        var set = new[]
        {
            (probe.HttpGet is not null, "httpGet"), (probe.TcpSocket is not null, "tcpSocket"), (probe.Exec is not null, "exec"),
            (probe.Grpc is not null, "grpc"), (probe.PeriodSeconds is > 0, "periodSeconds"),
            (probe.TimeoutSeconds is > 0, "timeoutSeconds"),
            (probe.InitialDelaySeconds is > 0, "initialDelaySeconds"), (probe.SuccessThreshold is > 0, "successThreshold"),
            (probe.FailureThreshold is > 0, "failureThreshold"),
        };
        foreach (var (_, field) in set.Where(s => s.Item1))
        {
            errors.Add("must not set the field(s)", $"{path}.{field}", PodValidation.Hint(FeatureKeys.MultiContainerProbing));
        }
    }

    private static void Handlers(V1Probe probe, string? portName, string path, FieldErrors errors)
    {
        var handlers = new List<string>(4);
        if (probe.HttpGet is { } get)
        {
            handlers.Add("httpGet");
            Port(get.Port, portName, $"{path}.httpGet.port", errors);
        }

        if (probe.TcpSocket is { } socket)
        {
            handlers.Add("tcpSocket");
            Port(socket.Port, portName, $"{path}.tcpSocket.port", errors);
        }

        if (probe.Exec is not null)
        {
            handlers.Add("exec");
        }

        if (probe.Grpc is not null)
        {
            handlers.Add("grpc");
        }

        if (handlers.Count == 0)
        {
            errors.MissingOneOf($"{path}.httpGet", $"{path}.tcpSocket", $"{path}.exec", $"{path}.grpc");
        }
        else if (handlers.Count > 1)
        {
            errors.MultipleOneOf([.. handlers.Select(h => $"{path}.{h}")]);
        }
    }

    private static void Port(IntOrString? port, string? portName, string path, FieldErrors errors)
    {
        var text = port?.Value ?? "";
        var isNumber = text.Length == 0 || int.TryParse(text, out _);
        if (portName is not null && !isNumber && text != portName)
        {
            errors.Invalid(text, path, "Probe port must match container port");
        }
        else if (portName is null && text is "" or "0")
        {
            errors.Invalid(text.Length == 0 ? "0" : text, path, "Probe port must be specified");
        }
    }

    private static void Readiness(V1Probe probe, string path, FieldErrors errors)
    {
        void AtLeast(int? value, int lowest, string field)
        {
            if ((value ?? 0) < lowest)
            {
                errors.OutOfBounds(value ?? 0, lowest, int.MaxValue, $"{path}.{field}");
            }
        }

        AtLeast(probe.PeriodSeconds, 0, "periodSeconds");
        AtLeast(probe.InitialDelaySeconds, 0, "initialDelaySeconds");
        AtLeast(probe.SuccessThreshold, 1, "successThreshold");
        if (probe.PeriodSeconds is not (null or 0))
        {
            AtLeast(probe.TimeoutSeconds, 1, "timeoutSeconds");
            AtLeast(probe.FailureThreshold, 1, "failureThreshold");
            return;
        }

        // Period zero is Knative's own probe: tried again at once until it passes.
        if (probe.FailureThreshold is not (null or 0))
        {
            errors.Add("failureThreshold is disallowed when periodSeconds is zero", $"{path}.failureThreshold");
        }

        if (probe.TimeoutSeconds is not (null or 0))
        {
            errors.Add("timeoutSeconds is disallowed when periodSeconds is zero", $"{path}.timeoutSeconds");
        }
    }
}
