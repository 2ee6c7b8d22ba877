using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-gc</c>: how long Revisions stay that no Route uses. Null switches a limit off.</summary>
public sealed record GcConfig
{
    public static ConfigKind<GcConfig> Kind { get; } = new("config-gc", Parse);

    public TimeSpan? RetainSinceCreateTime { get; init; } = TimeSpan.FromHours(48);
    public TimeSpan? RetainSinceLastActiveTime { get; init; } = TimeSpan.FromHours(15);
    public long MinNonActiveRevisions { get; init; } = 20;
    public long? MaxNonActiveRevisions { get; init; } = 1000;

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static GcConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var read = new ConfigReader(data);
        var config = new GcConfig
        {
            RetainSinceCreateTime = Duration(read, "retain-since-create-time", TimeSpan.FromHours(48)),
            RetainSinceLastActiveTime = Duration(read, "retain-since-last-active-time", TimeSpan.FromHours(15)),
            MinNonActiveRevisions = read.Whole("min-non-active-revisions", 20, 0),
            MaxNonActiveRevisions = IsDisabled(read, "max-non-active-revisions") ? null : read.Whole("max-non-active-revisions", 1000, 0),
        };
        return config.MaxNonActiveRevisions < config.MinNonActiveRevisions
            ? throw new FormatException(
                $"min-non-active-revisions({config.MinNonActiveRevisions}) must be <= " +
                $"max-non-active-revisions({config.MaxNonActiveRevisions})")
            : config;
    }

    private static bool IsDisabled(ConfigReader read, string key) =>
        string.Equals(read.Find(key), "disabled", StringComparison.OrdinalIgnoreCase);

    private static TimeSpan? Duration(ConfigReader read, string key, TimeSpan fallback)
    {
        if (IsDisabled(read, key))
        {
            return null;
        }

        var value = read.Duration(key, fallback);
        return value >= TimeSpan.Zero
            ? value
            : throw ConfigReader.Bad(key, value.ToString(), "disabled or a duration that is not negative");
    }
}
