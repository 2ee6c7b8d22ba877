using Knet.Api.Meta;
using Knet.Api.Serving.Config;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>Reads <c>config-defaults</c>.</summary>
public static class DefaultsConfigMap
{
    public static ConfigKind<DefaultsConfig> Kind { get; } = new("config-defaults", Parse);

    /// <exception cref="FormatException">A bad value; the message names its key.</exception>
    public static DefaultsConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        var timeout = read.Whole("revision-timeout-seconds", 300, 1);
        var config = new DefaultsConfig
        {
            RevisionTimeoutSeconds = timeout,
            MaxRevisionTimeoutSeconds = read.Whole("max-revision-timeout-seconds", 600, 1),
            RevisionResponseStartTimeoutSeconds = read.Whole("revision-response-start-timeout-seconds", timeout, 0),
            RevisionIdleTimeoutSeconds = read.Whole("revision-idle-timeout-seconds", 0, 0),
            RevisionCpuRequest = read.Amount("revision-cpu-request"),
            RevisionCpuLimit = read.Amount("revision-cpu-limit"),
            RevisionMemoryRequest = read.Amount("revision-memory-request"),
            RevisionMemoryLimit = read.Amount("revision-memory-limit"),
            RevisionEphemeralStorageRequest = read.Amount("revision-ephemeral-storage-request"),
            RevisionEphemeralStorageLimit = read.Amount("revision-ephemeral-storage-limit"),
            ContainerNameTemplate = Name(read, "container-name-template", "user-container"),
            InitContainerNameTemplate = Name(read, "init-container-name-template", "init-container"),
            ContainerConcurrency = read.Whole("container-concurrency", 0),
            ContainerConcurrencyMaxLimit = read.Whole("container-concurrency-max-limit", 1000, 1),
            AllowContainerConcurrencyZero = read.Flag("allow-container-concurrency-zero", true),
            EnableServiceLinks = ServiceLinks(read.Text("enable-service-links", "false")),
        };
        return Checked(config);
    }

    private static DefaultsConfig Checked(DefaultsConfig config)
    {
        if (config.RevisionTimeoutSeconds > config.MaxRevisionTimeoutSeconds)
        {
            throw new FormatException(
                $"revision-timeout-seconds ({config.RevisionTimeoutSeconds}) cannot be greater than max-revision-timeout-seconds " +
                $"({config.MaxRevisionTimeoutSeconds})");
        }

        if (config.RevisionResponseStartTimeoutSeconds > config.RevisionTimeoutSeconds)
        {
            throw new FormatException(
                $"revision-response-start-timeout-seconds ({config.RevisionResponseStartTimeoutSeconds}) cannot be greater than " +
                $"revision-timeout-seconds ({config.RevisionTimeoutSeconds})");
        }

        if (config.RevisionIdleTimeoutSeconds > config.RevisionTimeoutSeconds)
        {
            throw new FormatException(
                $"revision-idle-timeout-seconds ({config.RevisionIdleTimeoutSeconds}) cannot be greater than revision-timeout-seconds " +
                $"({config.RevisionTimeoutSeconds})");
        }

        var lowest = config.AllowContainerConcurrencyZero ? 0 : 1;
        return config.ContainerConcurrency >= lowest && config.ContainerConcurrency <= config.ContainerConcurrencyMaxLimit
            ? config
            : throw new FormatException(
                $"container-concurrency: {config.ContainerConcurrency} is not within {lowest} and {config.ContainerConcurrencyMaxLimit}");
    }

    private static bool? ServiceLinks(string text) => text.ToLowerInvariant() switch
    {
        "true" => true,
        "false" => false,
        "default" => null,
        _ => throw ConfigReader.Bad("enable-service-links", text, "true, false or default"),
    };

    // Tried with an example: a template that fails only when a Service comes would refuse that Service.
    private static string Name(ConfigReader read, string key, string fallback)
    {
        var empty = new Dictionary<string, string>();
        var rendered = read.Template(key, fallback).Render(new Dictionary<string, object?>
        {
            ["Name"] = "name", ["Namespace"] = "namespace", ["GenerateName"] = "", ["Labels"] = empty, ["Annotations"] = empty,
        });
        return DnsNames.Is1123Label(rendered)
            ? read.Text(key, fallback)
            : throw ConfigReader.Bad(key, rendered, "a template of a container name (DNS label)");
    }
}
