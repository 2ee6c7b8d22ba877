using Knet.Api.Serving.V1;
using Knet.Kube.Informers;
using Knet.Node.Agent;
using Knet.Oci.Local;

namespace Knet.Daemon.Roles;

/// <summary>
/// Keeps the image store below its limit: now and then removes what no name leads to and, above the limit, images that no pod runs and
/// no Revision may start.
/// </summary>
internal sealed class ImageCollection(Images images, NodeAgent node, Informer<KnRevision> revisions, TimeProvider time)
{
    // Kubelet's period of the same work.
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await images.CollectAsync(InUse(), cancellationToken);
        }
    }

    private List<string> InUse()
    {
        var wanted = revisions.List().SelectMany(r =>
            (r.Spec.Containers ?? []).Select(c => c.Image)
                .Concat((r.Status?.ContainerStatuses ?? []).Concat(r.Status?.InitContainerStatuses ?? []).Select(s => s.ImageDigest)));
        return [.. wanted.OfType<string>().Concat(node.ImagesInUse).Distinct()];
    }
}
