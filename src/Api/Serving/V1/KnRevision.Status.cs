using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

public sealed partial record RevisionStatus
{
    public const string ResourcesAvailable = "ResourcesAvailable";
    public const string ContainerHealthy = "ContainerHealthy";

    /// <summary>Informational: whether the Revision has instances.</summary>
    public const string Active = "Active";

    public const string Deploying = "Deploying";
    public const string ResolvingDigests = "ResolvingDigests";
    public const string ContainerMissing = "ContainerMissing";
    public const string NotOwned = "NotOwned";
    public const string ProgressDeadlineExceeded = "ProgressDeadlineExceeded";

    internal static readonly ConditionSet Set = new(ResourcesAvailable, ContainerHealthy);

    public RevisionStatus Begin(long? generation) => this with { Conditions = Set.Begin(Conditions, ObservedGeneration, generation) };

    public RevisionStatus End(RevisionStatus before, long? generation, DateTimeOffset now) =>
        this with { Conditions = ConditionSet.Stamp(before.Conditions, Conditions ?? [], now), ObservedGeneration = generation };

    public KnCondition? Condition(string type) => ConditionSet.Find(Conditions, type);

    public bool Is(string type, string status) => Condition(type)?.Status == status;

    public RevisionStatus True(string type) => this with { Conditions = Set.MarkTrue(Conditions, type) };

    public RevisionStatus Unknown(string type, string? reason, string? message = null) =>
        this with { Conditions = Set.MarkUnknown(Conditions, type, reason, message) };

    public RevisionStatus False(string type, string? reason, string? message) =>
        this with { Conditions = Set.MarkFalse(Conditions, type, reason, message) };

    /// <summary>An image that no registry gives us.</summary>
    public RevisionStatus ImageMissing(string image, string cause) =>
        False(ContainerHealthy, ContainerMissing, $"Unable to fetch image \"{image}\": {cause}");

    /// <summary>
    /// A container that ended. Upstream's words, but one sentence: the last line of what it left (the pod's status has the rest) and its
    /// exit code, which the Service's condition would not show otherwise.
    /// </summary>
    public RevisionStatus ContainerExited(int exitCode, string? message, string? reason = null)
    {
        var last = (message ?? "").Split('\n').Select(l => l.Trim()).LastOrDefault(l => l.Length > 0)?.TrimEnd('.');
        var why = string.IsNullOrEmpty(reason) || reason is "Error" or "Completed" ? "" : $", {reason}";
        var text = (last, exitCode) switch
        {
            (null, 0) => "Container failed with: container exited with no error",
            (null, _) => $"Container failed with: exit code {exitCode}{why} and no output",
            _ => $"Container failed with: {last} (exit code {exitCode}{why})",
        };

        return False(ContainerHealthy, $"ExitCode{exitCode}", text);
    }
}
