using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Knet.Cli;

/// <summary>Signals between this program and the daemon.</summary>
internal static partial class Signals
{
    private const int SigTerm = 15;

    /// <summary>Asks a process to end; one that has ended already is no failure.</summary>
    public static void Terminate(int pid) => _ = Kill(pid, SigTerm);

    /// <summary>
    /// While it is held, Ctrl-C and SIGTERM ask the daemon to end instead of ending this program, which then ends with it. From a terminal the
    /// daemon has Ctrl-C anyway, being in the same process group.
    /// </summary>
    public static IDisposable PassOnTo(Process daemon) => new Passing(daemon.Id);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    private sealed class Passing : IDisposable
    {
        private readonly List<PosixSignalRegistration> _registrations;

        public Passing(int pid)
        {
            _registrations = [.. ((PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP]).Select(signal =>
                PosixSignalRegistration.Create(signal, context =>
                {
                    context.Cancel = true;
                    Terminate(pid);
                }))];
        }

        public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
    }
}
