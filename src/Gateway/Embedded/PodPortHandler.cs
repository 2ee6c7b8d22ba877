using Knet.DataPlane.Activation;
using Knet.DataPlane.Forwarding;
using Knet.DataPlane.Probing;
using Knet.DataPlane.Protocol;
using Microsoft.AspNetCore.Http;

namespace Knet.Gateway.Embedded;

/// <summary>
/// The ports of pods' queue-proxies, which embedded are the gateway's: requests to one pod and no other (8012, 8013) under its Revision's
/// limits, and the drain of its preStop hook (8022).
/// </summary>
internal sealed class PodPortHandler(RevisionStates revisions, RequestForwarder forwarder)
{
    public const int AdminPort = 8022;
    public const string DrainPath = "/wait-for-drain";

    private const string Queue = "queue";
    private const string KubeletAgent = "kube-probe/";

    public Task HandleAsync(HttpContext context, EntryPoint entry)
    {
        if (entry.Port == AdminPort)
        {
            return DrainAsync(context, entry.PodAddress);
        }

        var known = revisions.TryFindInstance(entry.PodAddress, out var revision, out var instance);
        if (NetworkProbe.Of(context) is { } probe)
        {
            return ProbeAsync(context, entry.PodAddress, probe, known && !instance.IsClosed);
        }

        // A kubelet that does not say whom it asks gets upstream's refusal.
        if (context.Request.Headers.UserAgent.ToString().StartsWith(KubeletAgent, StringComparison.Ordinal))
        {
            return ProbeAsync(context, entry.PodAddress, "", true);
        }

        return known
            ? forwarder.ForwardAsync(context, revision, instance)
            : Answers.TextAsync(context, StatusCodes.Status503ServiceUnavailable, "queue not ready");
    }

    private async Task ProbeAsync(HttpContext context, string podAddress, string kind, bool ready)
    {
        var record = revisions.RequestLogs.Begin(podAddress, context);
        await NetworkProbe.AnswerAsync(context, kind, Queue, null, ready);
        record?.End();
    }

    private async Task DrainAsync(HttpContext context, string address)
    {
        if (context.Request.Path.Value != DrainPath)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        try
        {
            await revisions.WaitIdleAsync(address, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // Whoever waited has gone; the instance stays closed.
        }
    }
}
