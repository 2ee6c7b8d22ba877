using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

public sealed partial record ConfigurationStatus
{
    internal static readonly ConditionSet Set = new();

    public ConfigurationStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public ConfigurationStatus End(ConfigurationStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    /// <summary>Ready is Unknown until this Revision is the latest ready one.</summary>
    public ConfigurationStatus LatestCreated(string name)
    {
        var result = this with { LatestCreatedRevisionName = name };
        return LatestReadyRevisionName == name
            ? result
            : result with { Conditions = Set.MarkUnknown(Conditions, ConditionSet.Ready, null, null) };
    }

    /// <summary>Ready is True once the latest ready Revision is the latest created one.</summary>
    public ConfigurationStatus LatestReady(string name)
    {
        var result = this with { LatestReadyRevisionName = name };
        return LatestCreatedRevisionName == name ? result with { Conditions = Set.MarkTrue(Conditions, ConditionSet.Ready) } : result;
    }

    public ConfigurationStatus RevisionFailed(string name, string message) =>
        Failed("RevisionFailed", $"Revision \"{name}\" failed with message: {message}.");

    public ConfigurationStatus RevisionCreationFailed(string message) =>
        Failed("RevisionFailed", $"Revision creation failed with message: {message}.");

    private ConfigurationStatus Failed(string reason, string message) =>
        this with { Conditions = Set.MarkFalse(Conditions, ConditionSet.Ready, reason, message) };
}
