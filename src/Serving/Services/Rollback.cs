using System.Globalization;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;

namespace Knet.Serving.Services;

/// <summary>What <c>knet rollback</c> changes: all traffic of a Service to one revision; tags stay as they are.</summary>
/// <param name="Traffic">The new <c>spec.traffic</c>.</param>
/// <param name="To">The revision that answers from now on.</param>
/// <param name="From">The revisions that answered until now, without <paramref name="To"/>.</param>
public sealed record Rollback(List<TrafficTarget> Traffic, string To, IReadOnlyList<string> From)
{
    /// <summary>In place of a revision's name: follow the newest ready revision again.</summary>
    public const string Latest = "latest";

    /// <summary>Decides where to go back to.</summary>
    /// <param name="service">The Service as it is.</param>
    /// <param name="revisions">The Service's revisions, in any order.</param>
    /// <param name="to">
    /// A revision's name; <see cref="Latest"/>; or null: the newest ready revision that is older than the newest one that gets traffic now.
    /// </param>
    /// <exception cref="RollbackException">There is nothing to go back to, or the revision is not there or not ready.</exception>
    public static Rollback Decide(KnService service, IReadOnlyCollection<KnRevision> revisions, string? to)
    {
        var name = service.Metadata.Name;
        var serving = (service.Status.Traffic ?? [])
            .Where(t => t is { Percent: > 0, RevisionName.Length: > 0 }).Select(t => t.RevisionName!).Distinct().ToList();
        var byAge = revisions.OrderByDescending(Generation).ToList();
        if (to == Latest)
        {
            var latest = service.Status.LatestReadyRevisionName
                ?? throw new RollbackException($"service {name} has no ready revision yet: kubectl get revisions -l {ServingKeys.Service}={name}");
            return Of(service, new TrafficTarget { LatestRevision = true, Percent = 100 }, latest, serving);
        }

        var target = to is null ? Before(name, byAge, serving) : Named(name, byAge, to);
        if (!IsReady(target))
        {
            var why = target.Status.Conditions?.FirstOrDefault(c => c.Type == "Ready")?.Message;
            var cause = string.IsNullOrEmpty(why) ? "" : $": {why}";
            throw new RollbackException($"revision {target.Metadata.Name} is not ready{cause}. Ready ones: {Names(byAge.Where(IsReady))}");
        }

        return Of(service, new TrafficTarget { RevisionName = target.Metadata.Name, Percent = 100 }, target.Metadata.Name, serving);
    }

    private static Rollback Of(KnService service, TrafficTarget all, string to, List<string> serving)
    {
        var tagged = (service.Spec.Traffic ?? []).Where(t => !string.IsNullOrEmpty(t.Tag)).Select(t => t with { Percent = 0 });
        return new([all, .. tagged], to, [.. serving.Where(r => r != to)]);
    }

    private static KnRevision Before(string service, List<KnRevision> byAge, List<string> serving)
    {
        var newest = byAge.FirstOrDefault(r => serving.Contains(r.Metadata.Name))
            ?? throw new RollbackException(
                $"no revision of service {service} gets traffic now: name one with --to. Ready ones: {Names(byAge.Where(IsReady))}");
        return byAge.FirstOrDefault(r => Generation(r) < Generation(newest) && IsReady(r))
            ?? throw new RollbackException($"service {service} has no ready revision older than {newest.Metadata.Name}");
    }

    private static KnRevision Named(string service, List<KnRevision> byAge, string to) =>
        byAge.FirstOrDefault(r => r.Metadata.Name == to)
        ?? throw new RollbackException($"service {service} has no revision {to}. It has: {Names(byAge)}");

    private static bool IsReady(KnRevision revision) => revision.Status.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) == true;

    private static long Generation(KnRevision revision) =>
        revision.Metadata.Labels?.TryGetValue(ServingKeys.ConfigurationGeneration, out var text) == true
        && long.TryParse(text, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    private static string Names(IEnumerable<KnRevision> revisions)
    {
        var names = string.Join(", ", revisions.Select(r => r.Metadata.Name));
        return names.Length == 0 ? "none" : names;
    }
}

/// <summary>There is nothing to go back to; the message says why and what there is.</summary>
public sealed class RollbackException(string message) : Exception(message);
