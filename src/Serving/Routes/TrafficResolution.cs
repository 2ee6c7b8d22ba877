using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.V1;
using Knet.Kube.Controllers;
using Knet.Serving.Objects;
using Knet.Serving.Revisions;

namespace Knet.Serving.Routes;

/// <summary>One traffic target with the Revision it means now.</summary>
/// <param name="Configuration">Empty for a target that names its Revision.</param>
internal sealed record ResolvedTarget(string Tag, string Revision, string Configuration, bool IsLatest, int Percent, string Protocol);

/// <summary>Turns a Route's targets into Revisions (serving.md 9.2).</summary>
internal sealed class TrafficResolution
{
    private Func<RouteStatus, RouteStatus>? _failed;
    private Func<RouteStatus, RouteStatus>? _unready;

    private TrafficResolution()
    {
    }

    /// <summary>In the order of the specification; incomplete when something is wrong.</summary>
    public List<ResolvedTarget> Targets { get; } = [];

    /// <summary>Null when every target is good; else what to say of it. A target that failed outranks one that is not ready yet.</summary>
    public Func<RouteStatus, RouteStatus>? Problem => _failed ?? _unready;

    public static TrafficResolution Of(KnRoute route, IView view)
    {
        var result = new TrafficResolution();
        foreach (var target in route.Spec.Traffic ?? [])
        {
            if (!string.IsNullOrEmpty(target.RevisionName))
            {
                result.AddRevision(route, target, view);
            }
            else
            {
                result.AddConfiguration(route, target, view);
            }
        }

        return result;
    }

    private void AddConfiguration(KnRoute route, TrafficTarget target, IView view)
    {
        var name = target.ConfigurationName ?? "";
        if (view.Get<KnConfiguration>(route.Metadata.NamespaceProperty, name) is not { } configuration)
        {
            Missing("Configuration", name);
            return;
        }

        var latest = configuration.Status.LatestReadyRevisionName;
        if (string.IsNullOrEmpty(latest))
        {
            if (ConditionSet.IsFalse(configuration.Status.Conditions))
            {
                Fail("RevisionMissing", $"Configuration \"{name}\" does not have any ready Revision.");
            }
            else
            {
                Wait($"Configuration \"{name}\" is waiting for a Revision to become ready.");
            }

            return;
        }

        if (view.Get<KnRevision>(route.Metadata.NamespaceProperty, latest) is not { } revision)
        {
            Missing("Revision", latest);
            return;
        }

        Add(target, revision, name, isLatest: true);
    }

    private void AddRevision(KnRoute route, TrafficTarget target, IView view)
    {
        var name = target.RevisionName!;
        if (view.Get<KnRevision>(route.Metadata.NamespaceProperty, name) is not { } revision)
        {
            Missing("Revision", name);
            return;
        }

        var expected = route.Metadata.Labels.Find(ServingKeys.Service);
        var actual = revision.Metadata.Labels.Find(ServingKeys.Service) ?? "";
        if (!string.IsNullOrEmpty(expected) && actual != expected)
        {
            Fail(
                "RevisionNotOwned",
                actual.Length == 0
                    ? $"Revision \"{name}\" does not belong to Service \"{expected}\"."
                    : $"Revision \"{name}\" belongs to Service \"{actual}\", not Service \"{expected}\".");
        }
        else if (revision.IsReady())
        {
            Add(target, revision, "", isLatest: false);
        }
        else if (ConditionSet.IsFalse(revision.Status.Conditions))
        {
            Fail("RevisionMissing", $"Revision \"{name}\" failed to become ready.");
        }
        else
        {
            Wait($"Revision \"{name}\" is not yet ready.");
        }
    }

    private void Add(TrafficTarget target, KnRevision revision, string configuration, bool isLatest) => Targets.Add(new ResolvedTarget(
        target.Tag ?? "", revision.Metadata.Name, configuration, isLatest, (int)(target.Percent ?? 0),
        RevisionMeta.Protocol(revision.Spec)));

    private void Missing(string kind, string name) => Fail($"{kind}Missing", $"{kind} \"{name}\" referenced in traffic not found.");

    private void Fail(string reason, string message) => _failed ??= status => status.TrafficFailed(reason, message);

    private void Wait(string message) => _unready ??= status => status.TrafficUnknown("RevisionMissing", message);
}
