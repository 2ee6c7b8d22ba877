using k8s.Models;

namespace Knet.Node.Pods;

/// <summary>Finds pods that fill more of the node's disk than they may: sizeLimit of emptyDir, limits of ephemeral-storage.</summary>
internal static class StorageLimits
{
    private const string Storage = "ephemeral-storage";

    /// <summary>Whether the pod has any such limit; only then its directories are looked through.</summary>
    public static bool Has(V1PodSpec spec) =>
        spec.Volumes?.Any(v => v.EmptyDir?.SizeLimit is not null) == true || spec.Containers.Any(c => Limit(c) is not null);

    /// <summary>Which limit is exceeded, in kubelet's words; null for none. Pure but for what it asks.</summary>
    /// <param name="volumeBytes">What lies in an emptyDir volume.</param>
    /// <param name="containerBytes">What a container wrote to its root file system and its log.</param>
    public static string? Exceeded(V1PodSpec spec, Func<V1Volume, long> volumeBytes, Func<V1Container, long> containerBytes)
    {
        var volumes = 0L;
        foreach (var volume in spec.Volumes?.Where(v => v.EmptyDir is not null) ?? [])
        {
            var used = volumeBytes(volume);
            volumes += volume.EmptyDir.Medium == "Memory" ? 0 : used;
            if (volume.EmptyDir.SizeLimit is { } limit && limit.ToDecimal() > 0 && used > limit.ToDecimal())
            {
                return $"Usage of EmptyDir volume \"{volume.Name}\" exceeds the limit \"{limit}\". ";
            }
        }

        var containers = spec.Containers.Select(c => (Container: c, Limit: Limit(c), Used: containerBytes(c))).ToList();
        if (containers.FirstOrDefault(c => c.Limit is { } limit && c.Used > limit.ToDecimal()) is { Container: { } greedy, Limit: { } most })
        {
            return $"Container {greedy.Name} exceeded its local ephemeral storage limit \"{most}\". ";
        }

        var total = containers.Sum(c => c.Limit?.ToDecimal() ?? 0);
        return containers.All(c => c.Limit is not null) && volumes + containers.Sum(c => c.Used) > total
            ? "Pod ephemeral local storage usage exceeds the total limit of containers "
                + $"{new ResourceQuantity(total, 0, ResourceQuantity.SuffixFormat.BinarySI)}. "
            : null;
    }

    /// <summary>The bytes of the files below a directory; what goes away meanwhile does not count.</summary>
    public static long BytesBelow(string directory)
    {
        var every = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        try
        {
            return Directory.Exists(directory) ? new DirectoryInfo(directory).EnumerateFiles("*", every).Sum(f => f.Exists ? f.Length : 0) : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static ResourceQuantity? Limit(V1Container container) =>
        container.Resources?.Limits?.TryGetValue(Storage, out var limit) == true ? limit : null;
}
