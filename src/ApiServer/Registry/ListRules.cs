using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Which options of lists and watches go together (the rules and texts of Kubernetes' ListOptions).</summary>
internal static class ListRules
{
    private const string Match = "resourceVersionMatch", Exact = "Exact", NotOlderThan = "NotOlderThan";
    private static readonly ResourceType Options = new("meta.k8s.io", "v1", "", "ListOptions", false);

    /// <exception cref="KubeException">422, or 400 for a continue token beside a version.</exception>
    public static void Check(KubeRequest request, bool isWatch)
    {
        var errors = new FieldErrors();
        if (isWatch)
        {
            CheckWatch(request, errors);
        }
        else
        {
            CheckList(request, errors);
        }

        if (errors.All.Count > 0)
        {
            throw Refusals.Invalid(Options, "", errors.All);
        }

        if (!isWatch && !string.IsNullOrEmpty(request.Continue) && request.ResourceVersion is not (null or "" or "0"))
        {
            throw Refusals.BadRequest("specifying resource version is not allowed when using continue");
        }
    }

    private static void CheckList(KubeRequest request, FieldErrors errors)
    {
        if (request.SendInitialEvents)
        {
            errors.Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
        }

        if (string.IsNullOrEmpty(request.ResourceVersionMatch))
        {
            return;
        }

        if (string.IsNullOrEmpty(request.ResourceVersion))
        {
            errors.Forbidden(Match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
        }

        if (!string.IsNullOrEmpty(request.Continue))
        {
            errors.Forbidden(Match, "resourceVersionMatch is forbidden when continue is provided");
        }

        if (request.ResourceVersionMatch is not (Exact or NotOlderThan))
        {
            errors.NotSupported(Match, request.ResourceVersionMatch, Exact, NotOlderThan, "");
        }

        if (request is { ResourceVersionMatch: Exact, ResourceVersion: "0" })
        {
            errors.Forbidden(Match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
    }

    private static void CheckWatch(KubeRequest request, FieldErrors errors)
    {
        if (request.SendInitialEvents && request.ResourceVersionMatch != NotOlderThan)
        {
            errors.Forbidden(Match, $"sendInitialEvents requires setting resourceVersionMatch to {NotOlderThan}");
        }

        if (string.IsNullOrEmpty(request.ResourceVersionMatch))
        {
            return;
        }

        if (!request.SendInitialEvents)
        {
            errors.Forbidden(Match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }

        if (request.ResourceVersionMatch != NotOlderThan)
        {
            errors.NotSupported(Match, request.ResourceVersionMatch, NotOlderThan);
        }

        if (!string.IsNullOrEmpty(request.Continue))
        {
            errors.Forbidden(Match, "resourceVersionMatch is forbidden when continue is provided");
        }
    }
}
