using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Knet.Node.Network.Netlink;
using Knet.Node.Runtime;
using Microsoft.Win32.SafeHandles;

namespace Knet.Node.Network;

/// <summary>
/// A thread that may enter other network namespaces. Work runs on it one after the other; after each piece it is back in the host's
/// namespace. Thread-pool threads never change namespace: a thread that they start meanwhile would inherit it.
/// </summary>
internal sealed class NamespaceThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly SafeFileHandle _host = LinuxCalls.OpenNamespace("/proc/self/ns/net");
    private readonly Thread _thread;

    public NamespaceThread(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>The host's network namespace.</summary>
    public SafeFileHandle Host => _host;

    /// <summary>Runs <paramref name="work"/> on the thread, in the host's namespace.</summary>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    /// <summary>Runs <paramref name="work"/> inside the namespace.</summary>
    public Task<T> RunInAsync<T>(SafeFileHandle target, Func<T> work) => RunAsync(() =>
    {
        Enter(target);
        try
        {
            return work();
        }
        finally
        {
            Return();
        }
    });

    /// <summary>Back to the host. Only on this thread.</summary>
    public void Return()
    {
        if (Native.EnterNamespace(_host, LinuxCalls.NewNetworkNamespace) != 0)
        {
            // The descriptor is open and of the right type, so this cannot happen; going on in a pod's namespace would be worse.
            Environment.FailFast($"cannot return to the host's network namespace: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
        _host.Dispose();
    }

    private static void Enter(SafeFileHandle target)
    {
        if (Native.EnterNamespace(target, LinuxCalls.NewNetworkNamespace) != 0)
        {
            throw LinuxCalls.Failure("entering a pod's network namespace");
        }
    }

    private void Run()
    {
        foreach (var work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}
