using System.Diagnostics;
using System.Globalization;
using System.Text;
using k8s.Models;
using Knet.Oci;
using Knet.Oci.References;
using Knet.Oci.Registry;

namespace Knet.Node.Pods;

/// <summary>Gets a container's image, however long it takes, with kubelet's states, Events and back-off.</summary>
internal sealed class ImagePuller(PodContext pod)
{
    /// <exception cref="OperationCanceledException">The pod is being ended.</exception>
    public async Task<LocalImage> GetAsync(ContainerSlot slot, CancellationToken cancellationToken)
    {
        var reference = slot.Container.Image;
        var policy = Policy(slot.Container);

        // A digest names one content for ever: asking the registry again would only cost time.
        var fixedContent = reference.Contains("@sha256:", StringComparison.Ordinal);
        if ((policy != "Always" || fixedContent) && pod.Node.Images.Find(reference) is { } present)
        {
            pod.Event("Normal", "Pulled", $"Container image \"{reference}\" already present on machine", slot);
            return present;
        }

        var backoff = new RestartBackoff();
        backoff.Next(pod.Node.Now); // unlike a crash, the first failed pull waits already
        while (true)
        {
            try
            {
                return await PullAsync(slot, policy, cancellationToken);
            }
            catch (ImageException e)
            {
                var wait = backoff.Next(pod.Node.Now);
                await FailAsync(slot, reference, e, wait, cancellationToken);
            }
        }
    }

    private async Task<LocalImage> PullAsync(ContainerSlot slot, string policy, CancellationToken cancellationToken)
    {
        var reference = slot.Container.Image;
        _ = ImageReference.Parse(reference); // before anything is said about pulling
        if (policy != "Never")
        {
            pod.Event("Normal", "Pulling", $"Pulling image \"{reference}\"", slot);
        }

        var started = Stopwatch.GetTimestamp();
        var credentials = policy == "Never" ? [] : await CredentialsAsync(reference);
        var image = await pod.Node.Images.EnsureAsync(reference, policy, credentials, cancellationToken);
        var took = Stopwatch.GetElapsedTime(started);
        pod.Event("Normal", "Pulled", policy == "Never"
            ? $"Container image \"{reference}\" already present on machine"
            : $"Successfully pulled image \"{reference}\" in {Text(took)} ({Text(took)} including waiting).", slot);
        return image;
    }

    private async Task FailAsync(
        ContainerSlot slot, string reference, ImageException e, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (e.Reason == "InvalidImageName")
        {
            pod.Event("Warning", "InspectFailed", e.Message, slot);
            pod.Event("Warning", "Failed", "Error: InvalidImageName", slot);
            pod.Change(() => slot.State = ContainerSlot.Waiting("InvalidImageName", e.Message), urgent: true);
            await Task.Delay(Timeout.InfiniteTimeSpan, pod.Node.Time, cancellationToken);
        }

        var never = e.Reason == "ErrImageNeverPull";
        var message = never ? $"Container image \"{reference}\" is not present with pull policy of Never" : e.Message;
        pod.Event("Warning", never ? e.Reason : "Failed", never ? message : $"Failed to pull image \"{reference}\": {message}", slot);
        pod.Event("Warning", "Failed", $"Error: {e.Reason}", slot);
        pod.Change(() => slot.State = ContainerSlot.Waiting(e.Reason, message), urgent: true);
        if (!never)
        {
            // Kubelet shows the error first and the back-off at its next look, a moment later.
            await Task.Delay(TimeSpan.FromSeconds(1), pod.Node.Time, cancellationToken);
            pod.Event("Normal", "BackOff", $"Back-off pulling image \"{reference}\"", slot);
            pod.Event("Warning", "Failed", "Error: ImagePullBackOff", slot);
            pod.Change(
                () => slot.State = ContainerSlot.Waiting("ImagePullBackOff", $"Back-off pulling image \"{reference}\": {e.Reason}: {message}"),
                urgent: true);
        }

        await Task.Delay(wait, pod.Node.Time, cancellationToken);
    }

    /// <summary>As Go writes durations: <c>12ms</c>, <c>1.234s</c>.</summary>
    private static string Text(TimeSpan took) => took.TotalSeconds < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{took.TotalMilliseconds:0}ms")
        : string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds:0.###}s");

    /// <summary>The explicit policy, else Always for the tag latest (and none) and IfNotPresent for the rest.</summary>
    private static string Policy(V1Container container)
    {
        if (!string.IsNullOrEmpty(container.ImagePullPolicy))
        {
            return container.ImagePullPolicy;
        }

        var last = container.Image[(container.Image.LastIndexOf('/') + 1)..];
        var tagged = last.Contains(':', StringComparison.Ordinal) && !last.EndsWith(":latest", StringComparison.Ordinal);
        return tagged || last.Contains('@', StringComparison.Ordinal) ? "IfNotPresent" : "Always";
    }

    private async Task<IReadOnlyList<RegistryCredentials>> CredentialsAsync(string reference)
    {
        var names = (pod.Pod.Spec.ImagePullSecrets ?? []).Select(s => s.Name).ToList();
        var account = await pod.Node.Client.FindAsync<V1ServiceAccount>(
            pod.Namespace, pod.Pod.Spec.ServiceAccountName ?? "default", CancellationToken.None);
        names.AddRange((account?.ImagePullSecrets ?? []).Select(s => s.Name));
        var result = new List<RegistryCredentials>();
        foreach (var name in names.Distinct())
        {
            if (await pod.Node.Client.FindAsync<V1Secret>(pod.Namespace, name, CancellationToken.None) is { } secret)
            {
                result.AddRange(PullSecrets.For(reference, secret));
            }
            else
            {
                pod.Event("Warning", "FailedToRetrieveImagePullSecret",
                    $"Unable to retrieve some image pull secrets ({name}); attempting to pull the image may not succeed.");
            }
        }

        return result;
    }
}

/// <summary>Reads secrets of the types kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg. Pure.</summary>
internal static class PullSecrets
{
    /// <summary>The credentials that the secret has for the image, by the rules of <see cref="DockerConfig"/>.</summary>
    /// <remarks>As kubelet: an unreadable secret has nothing to offer; the pull then says what failed.</remarks>
    public static IReadOnlyList<RegistryCredentials> For(string reference, V1Secret secret)
    {
        if (secret.Data?.TryGetValue(".dockerconfigjson", out var json) != true && secret.Data?.TryGetValue(".dockercfg", out json) != true)
        {
            return [];
        }

        try
        {
            return DockerConfig.CredentialsFor(Encoding.UTF8.GetString(json!), reference);
        }
        catch (ImageException)
        {
            return [];
        }
    }
}
