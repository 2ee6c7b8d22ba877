using System.Globalization;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Config;
using Knet.Serving.Objects;

namespace Knet.Serving.GarbageCollection;

/// <summary>Deletes Revisions that no Route has used for long (serving.md 10).</summary>
public sealed class RevisionCollector : IReconciler<KnConfiguration, ConfigurationStatus>
{
    public Plan<ConfigurationStatus> Reconcile(KnConfiguration resource, IView view)
    {
        var config = view.Config<GcConfig>();
        var nothing = new Plan<ConfigurationStatus>(null);
        var isOff = config.MaxNonActiveRevisions is null && config.RetainSinceCreateTime is null &&
            config.RetainSinceLastActiveTime is null;
        if (resource.IsDeleting() || isOff)
        {
            return nothing;
        }

        var candidates = view.Owned<KnRevision>(resource.Metadata).Where(r => IsCandidate(r, resource)).OrderBy(LastActive).ToList();
        if (candidates.Count <= config.MinNonActiveRevisions)
        {
            return nothing;
        }

        var stale = candidates.Where(r => StaleAt(r, config) <= view.Now)
            .Take((int)(candidates.Count - config.MinNonActiveRevisions))
            .ToList();
        var rest = candidates.Except(stale).ToList();
        if (config.MaxNonActiveRevisions is { } most && rest.Count > most)
        {
            stale.AddRange(rest.Take((int)(rest.Count - most)));
        }

        var next = rest.Select(r => StaleAt(r, config)).Where(t => t > view.Now).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
        return nothing with
        {
            Steps = [.. stale.Select(r => PlanStep.Delete(r))],
            RequeueAfter = next == DateTimeOffset.MaxValue ? null : next - view.Now,
        };
    }

    private static bool IsCandidate(KnRevision revision, KnConfiguration configuration) =>
        revision.Metadata.Labels.Find(ServingKeys.RoutingState) == ServingKeys.RoutingReserve &&
        revision.Metadata.Name != configuration.Status.LatestReadyRevisionName &&
        revision.Metadata.Annotations.Find(ServingKeys.NoGc) != "true" && !revision.IsDeleting();

    private static DateTimeOffset LastActive(KnRevision revision) =>
        DateTimeOffset.TryParse(
            revision.Metadata.Annotations.Find(ServingKeys.RoutingStateModified), CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : Created(revision);

    private static DateTimeOffset Created(KnRevision revision) =>
        revision.Metadata.CreationTimestamp is { } time
            ? new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc))
            : DateTimeOffset.MinValue;

    // Both limits must have passed; with both switched off nothing ever gets too old.
    private static DateTimeOffset StaleAt(KnRevision revision, GcConfig config)
    {
        if (config.RetainSinceCreateTime is null && config.RetainSinceLastActiveTime is null)
        {
            return DateTimeOffset.MaxValue;
        }

        var created = config.RetainSinceCreateTime is { } sinceCreate ? Created(revision) + sinceCreate : DateTimeOffset.MinValue;
        var active = config.RetainSinceLastActiveTime is { } sinceActive ? LastActive(revision) + sinceActive : DateTimeOffset.MinValue;
        return created > active ? created : active;
    }
}
