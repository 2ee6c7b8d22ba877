using System.Collections.Concurrent;
using System.Globalization;

namespace Knet.Node.Runtime;

/// <summary>How a container ended.</summary>
internal sealed record ContainerExit(int Code, DateTimeOffset At);

/// <summary>Notices containers' ends: conmon writes a file with the exit code per container into one directory, which inotify watches.</summary>
internal sealed class ContainerExits : IDisposable
{
    private readonly NodePaths _paths;
    private readonly FileSystemWatcher _watcher;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ContainerExit>> _waiting = new();

    public ContainerExits(NodePaths paths)
    {
        _paths = paths;
        _watcher = new FileSystemWatcher(paths.Exits) { NotifyFilter = NotifyFilters.FileName, InternalBufferSize = 64 * 1024 };
        _watcher.Created += (_, e) => Look(e.Name!);
        _watcher.Renamed += (_, e) => Look(e.Name!);
        _watcher.Error += (_, _) => LookAtAll(); // the queue overflowed: nothing may be missed
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Completes when the container ends; at once if it has ended.</summary>
    public Task<ContainerExit> WaitAsync(string id)
    {
        var waiting = _waiting.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        Look(id);
        return waiting.Task;
    }

    /// <summary>Says that a container ended whose keeper did not live to tell.</summary>
    public void Report(string id, ContainerExit exit)
    {
        if (_waiting.TryGetValue(id, out var waiting))
        {
            waiting.TrySetResult(exit);
        }
    }

    public void LookAtAll()
    {
        foreach (var id in _waiting.Keys)
        {
            Look(id);
        }
    }

    /// <summary>Forgets a container and its exit file.</summary>
    public void Remove(string id)
    {
        _waiting.TryRemove(id, out _);
        File.Delete(_paths.ExitFile(id));
    }

    public ContainerExit? Find(string id)
    {
        var file = new FileInfo(_paths.ExitFile(id));
        try
        {
            return file.Exists && int.TryParse(File.ReadAllText(file.FullName), CultureInfo.InvariantCulture, out var code)
                ? new ContainerExit(code, new DateTimeOffset(file.LastWriteTimeUtc))
                : null;
        }
        catch (IOException)
        {
            return null; // removed in between
        }
    }

    public void Dispose() => _watcher.Dispose();

    private void Look(string id)
    {
        if (_waiting.TryGetValue(id, out var waiting) && !waiting.Task.IsCompleted && Find(id) is { } exit)
        {
            waiting.TrySetResult(exit);
        }
    }
}
