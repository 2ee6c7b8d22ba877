using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

public sealed partial record ServiceStatus
{
    public const string ConfigurationsReady = "ConfigurationsReady";
    public const string RoutesReady = "RoutesReady";

    internal static readonly ConditionSet Set = new(ConfigurationsReady, RoutesReady);

    /// <summary>How a reconcile of this generation begins.</summary>
    public ServiceStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    /// <summary>What is written in the end: condition times set, the generation observed.</summary>
    public ServiceStatus End(ServiceStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    public ServiceStatus ConfigurationNotOwned(string name) =>
        this with
        {
            Conditions = Set.MarkFalse(
                Conditions, ConfigurationsReady, "NotOwned", $"There is an existing Configuration \"{name}\" that we do not own."),
        };

    public ServiceStatus RouteNotOwned(string name) =>
        this with
        {
            Conditions = Set.MarkFalse(Conditions, RoutesReady, "NotOwned", $"There is an existing Route \"{name}\" that we do not own."),
        };

    public ServiceStatus ConfigurationOutOfDate() =>
        this with
        {
            Conditions = Set.MarkUnknown(
                Conditions, ConfigurationsReady, "OutOfDate",
                "The Configuration is still working to reflect the latest desired specification."),
        };

    public ServiceStatus RouteOutOfDate() =>
        this with
        {
            Conditions = Set.MarkUnknown(
                Conditions, RoutesReady, "OutOfDate", "The Route is still working to reflect the latest desired specification."),
        };

    public ServiceStatus RevisionNameTaken(string name) =>
        this with
        {
            Conditions = Set.MarkFalse(
                Conditions, RoutesReady, "RevisionNameTaken",
                $"The revision name \"{name}\" is taken by a conflicting Revision, so traffic will not be migrated"),
        };

    public ServiceStatus TrafficNotMigrated() =>
        this with
        {
            Conditions = Set.MarkUnknown(
                Conditions, RoutesReady, "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision."),
        };

    /// <summary>A child that could not be written: the API's own words.</summary>
    /// <param name="isFinal">Whether trying again without a change is useless.</param>
    public ServiceStatus ChildFailed(string condition, bool isFinal, string message) => this with
    {
        Conditions = isFinal
            ? Set.MarkFalse(Conditions, condition, "CreationFailed", message)
            : Set.MarkUnknown(Conditions, condition, "CreationFailed", message),
    };

    /// <summary>Takes over what the Configuration reports.</summary>
    public ServiceStatus Propagate(ConfigurationStatus from)
    {
        var result = this with
        {
            LatestCreatedRevisionName = from.LatestCreatedRevisionName,
            LatestReadyRevisionName = from.LatestReadyRevisionName,
        };
        var ready = ConditionSet.Find(from.Conditions, ConditionSet.Ready);
        return ready is null ? result : result with { Conditions = Set.Copy(Conditions, ConfigurationsReady, ready) };
    }

    /// <summary>Takes over what the Route reports.</summary>
    public ServiceStatus Propagate(RouteStatus from)
    {
        var result = this with { Url = from.Url, Address = from.Address, Traffic = from.Traffic };
        var ready = ConditionSet.Find(from.Conditions, ConditionSet.Ready);
        return ready is null ? result : result with { Conditions = Set.Copy(Conditions, RoutesReady, ready) };
    }

    /// <summary>
    /// A Configuration that failed is why its Route has nothing to send traffic to: Ready says the cause, not the consequence. (Upstream
    /// shows the Route's <c>RevisionMissing</c>.)
    /// </summary>
    public ServiceStatus CauseFirst() => ConditionSet.Find(Conditions, ConfigurationsReady) is { Status: ConditionSet.False } failed
        ? this with { Conditions = Set.MarkFalse(Conditions, ConfigurationsReady, failed.Reason, failed.Message) }
        : this;
}
