using System.Collections.Immutable;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;

namespace Knet.Serving.Configurations;

/// <summary>A Configuration makes a Revision of each new template and follows which of them is ready (serving.md 7).</summary>
public sealed class ConfigurationReconciler : IReconciler<KnConfiguration, ConfigurationStatus>
{
    public Plan<ConfigurationStatus> Reconcile(KnConfiguration resource, IView view)
    {
        if (resource.IsDeleting())
        {
            return new Plan<ConfigurationStatus>(null);
        }

        var (before, generation, now) = (resource.Status, resource.Metadata.Generation, view.Now);
        var status = before.Begin(generation);
        var revisions = view.Owned<KnRevision>(resource.Metadata);
        var name = resource.Spec.Template.Metadata?.Name ?? "";
        var newest = FindNewest(resource, revisions, name, view, out var isTaken);
        if (isTaken)
        {
            var message = $"revisions.serving.knative.dev \"{name}\" already exists";
            return new Plan<ConfigurationStatus>(status.RevisionCreationFailed(message).End(before, generation, now))
            {
                Events = [new PlanEvent("Warning", "CreationFailed", $"Failed to create Revision: {message}")],
            };
        }

        if (newest is null)
        {
            var revision = ConfigurationRevision.For(resource, now);
            var created = status.LatestCreated(revision.Metadata.Name);
            return new Plan<ConfigurationStatus>(created.End(before, generation, now))
            {
                Steps = [PlanStep.Create(revision)],
                Events = [new PlanEvent("Normal", "Created", $"Created Revision \"{revision.Metadata.Name}\"")],
                OnFailure = (_, error) => status.RevisionCreationFailed(error.Message).End(before, generation, now),
            };
        }

        var events = ImmutableArray.CreateBuilder<PlanEvent>();
        status = Follow(status.LatestCreated(newest.Metadata.Name), before, newest, events);
        status = FindReady(status, resource, revisions, name, events);
        return new Plan<ConfigurationStatus>(status.End(before, generation, now)) { Events = events.ToImmutable() };
    }

    /// <summary>The Revision of the present template, if it exists.</summary>
    /// <param name="isTaken">The template's own name belongs to a Revision that is not ours or says something else.</param>
    private static KnRevision? FindNewest(
        KnConfiguration configuration, IReadOnlyList<KnRevision> revisions, string name, IView view, out bool isTaken)
    {
        isTaken = false;
        var generation = $"{configuration.Metadata.Generation ?? 0}";
        if (name.Length == 0)
        {
            foreach (var revision in revisions)
            {
                if (revision.Metadata.Labels.Find(ServingKeys.ConfigurationGeneration) == generation)
                {
                    return revision;
                }
            }

            return null;
        }

        if (view.Get<KnRevision>(configuration.Metadata.NamespaceProperty, name) is not { } named)
        {
            return null;
        }

        isTaken = !named.Metadata.IsControlledBy(configuration.Metadata) ||
            (named.Metadata.Labels.Find(ServingKeys.ConfigurationGeneration) != generation &&
                !Maps.SameJson(named.Spec, configuration.Spec.Template.Spec));
        return isTaken ? null : named;
    }

    private static ConfigurationStatus Follow(
        ConfigurationStatus status, ConfigurationStatus before, KnRevision newest, ImmutableArray<PlanEvent>.Builder events)
    {
        var ready = ConditionSet.Find(newest.Status.Conditions, ConditionSet.Ready);
        if (ready?.Status == ConditionSet.False)
        {
            var failed = status.RevisionFailed(newest.Metadata.Name, (ready.Message ?? "").TrimEnd('.'));
            var (was, now) = (
                ConditionSet.Find(before.Conditions, ConditionSet.Ready), ConditionSet.Find(failed.Conditions, ConditionSet.Ready));
            if (was?.Reason != now?.Reason || was?.Message != now?.Message)
            {
                var isLatestReady = newest.Metadata.Name == status.LatestReadyRevisionName;
                events.Add(isLatestReady
                    ? new PlanEvent("Warning", "LatestReadyFailed", $"Latest ready revision \"{newest.Metadata.Name}\" has failed")
                    : new PlanEvent("Warning", "LatestCreatedFailed", $"Latest created revision \"{newest.Metadata.Name}\" has failed"));
            }

            return failed;
        }

        return status;
    }

    /// <summary>The newest ready Revision from the present latest ready one on; a named template's Revision comes first, however old.</summary>
    private static ConfigurationStatus FindReady(
        ConfigurationStatus status, KnConfiguration configuration, IReadOnlyList<KnRevision> revisions, string name,
        ImmutableArray<PlanEvent>.Builder events)
    {
        var lowest = 0L;
        foreach (var revision in revisions)
        {
            if (revision.Metadata.Name == status.LatestReadyRevisionName)
            {
                lowest = ConfigurationRevision.GenerationOf(revision);
            }
        }

        KnRevision? best = null;
        foreach (var revision in revisions)
        {
            var generation = ConfigurationRevision.GenerationOf(revision);
            var isNamed = name.Length > 0 && revision.Metadata.Name == name;
            if ((generation < lowest && !isNamed) || generation > (configuration.Metadata.Generation ?? 0) || !revision.IsReady())
            {
                continue;
            }

            // Also an older one: whoever names it again rolls back to it.
            if (isNamed)
            {
                best = revision;
                break;
            }

            best = best is null || generation > ConfigurationRevision.GenerationOf(best) ? revision : best;
        }

        if (best is null)
        {
            return status;
        }

        if (best.Metadata.Name != status.LatestReadyRevisionName)
        {
            events.Add(new PlanEvent("Normal", "LatestReadyUpdate", $"LatestReadyRevisionName updated to \"{best.Metadata.Name}\""));
            if (best.Metadata.Name == status.LatestCreatedRevisionName)
            {
                events.Insert(0, new PlanEvent("Normal", "ConfigurationReady", "Configuration becomes ready"));
            }
        }

        return status.LatestReady(best.Metadata.Name);
    }
}
