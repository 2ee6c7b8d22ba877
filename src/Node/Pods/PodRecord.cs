using System.Text.Json;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Node.Network;
using Knet.Node.Runtime;

namespace Knet.Node.Pods;

/// <summary>
/// What the next daemon needs to find a pod again: its object, its sandbox, its status, and each container's present run. Small files in
/// a tmpfs, replaced whole, never synced.
/// </summary>
internal sealed record PodRecord(V1Pod Pod, PodSandbox? Sandbox, V1PodStatus? Status, IReadOnlyList<ContainerRun> Runs)
{
    private static readonly JsonSerializerOptions RunOptions = new(JsonSerializerDefaults.Web);

    public static void SavePod(PodContext pod)
    {
        Directory.CreateDirectory(pod.Directory);
        Write(Path.Combine(pod.Directory, "pod.json"), KubeJson.Serialize(pod.Pod));
    }

    public static void SaveSandbox(PodContext pod) =>
        Write(Path.Combine(pod.Directory, "sandbox.json"), JsonSerializer.SerializeToUtf8Bytes(pod.Sandbox, RunOptions));

    public static void SaveStatus(PodContext pod, byte[] status)
    {
        if (!pod.Removed && Directory.Exists(pod.Directory))
        {
            Write(Path.Combine(pod.Directory, "status.json"), status);
        }
    }

    public static void SaveRun(NodePaths paths, ContainerRun run) =>
        Write(Path.Combine(paths.Bundle(run.Id), "run.json"), JsonSerializer.SerializeToUtf8Bytes(run, RunOptions));

    /// <summary>Keeps a crashing container's back-off, so that a new daemon does not begin it afresh.</summary>
    public static void SaveBackoff(PodContext pod, string container, BackoffState state)
    {
        var file = BackoffFile(pod, container);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        Write(file, JsonSerializer.SerializeToUtf8Bytes(state, RunOptions));
    }

    public static BackoffState? LoadBackoff(PodContext pod, string container) =>
        TryRead<BackoffState>(BackoffFile(pod, container), RunOptions);

    private static string BackoffFile(PodContext pod, string container) => Path.Combine(pod.Directory, "containers", container, "backoff.json");

    /// <summary>The records of all pods; what is unreadable (a crash between two files) is left out, and so cleaned up.</summary>
    public static IReadOnlyList<PodRecord> LoadAll(NodePaths paths)
    {
        var runs = Directory.EnumerateDirectories(paths.Containers)
            .Select(d => TryRead<ContainerRun>(Path.Combine(d, "run.json"), RunOptions)).OfType<ContainerRun>().ToLookup(r => r.PodUid);
        var records = new List<PodRecord>();
        foreach (var directory in Directory.EnumerateDirectories(paths.Pods))
        {
            if (TryRead<V1Pod>(Path.Combine(directory, "pod.json"), KubeJson.Options) is { } pod)
            {
                var sandbox = TryRead<PodSandbox>(Path.Combine(directory, "sandbox.json"), RunOptions);
                var status = TryRead<V1PodStatus>(Path.Combine(directory, "status.json"), KubeJson.Options);
                records.Add(new PodRecord(pod, sandbox, status, [.. runs[pod.Metadata.Uid]]));
            }
        }

        return records;
    }

    private static T? TryRead<T>(string file, JsonSerializerOptions options) where T : class
    {
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<T>(File.ReadAllBytes(file), options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Write(string file, byte[] content)
    {
        var temporary = file + ".new";
        File.WriteAllBytes(temporary, content);
        if (Native.Rename(temporary, file) != 0)
        {
            throw new IOException($"cannot replace {file}: {Native.LastError()}");
        }
    }
}
