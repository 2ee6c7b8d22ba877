using System.Runtime.InteropServices;
using System.Text;

namespace Knet.Node.Runtime;

/// <summary>
/// Starts programs by <c>posix_spawn</c>: about a tenth of the cost of <see cref="System.Diagnostics.Process"/>, with signals reset to
/// their defaults (the .NET runtime ignores SIGPIPE, and containers must not inherit that).
/// </summary>
/// <remarks>Blocking: call it from <see cref="WorkerThreads"/>.</remarks>
internal static partial class Spawn
{
    private const int OutputMax = 64 * 1024;
    private const short SetSignalDefaults = 4, SetSignalMask = 8, NewSession = 0x80;

    /// <summary>Runs a program to its end, with empty stdin, and returns its exit code (128 + signal) and what it wrote.</summary>
    public static (int Code, string Output) Run(string program, IReadOnlyList<string> arguments)
    {
        Span<int> ends = stackalloc int[2];
        if (Native.Pipe(ends, Native.OCloExec) != 0)
        {
            throw new IOException($"pipe: {Native.LastError()}");
        }

        var pid = 0;
        try
        {
            pid = Start(program, arguments, [], [(ends[1], 1), (ends[1], 2)]);
        }
        finally
        {
            _ = Native.Close(ends[1]);
            if (pid == 0)
            {
                _ = Native.Close(ends[0]);
            }
        }

        var output = ReadAll(ends[0]);
        return (Wait(pid), output);
    }

    /// <summary>Starts a program. Descriptors not named are closed in it; 0, 1 and 2 are /dev/null unless named.</summary>
    /// <param name="environment">Added to this process's environment, as <c>NAME=value</c>.</param>
    /// <param name="descriptors">Ours and what it is called there.</param>
    public static int Start(
        string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, IReadOnlyList<(int Ours, int Theirs)> descriptors) =>
        Start(program, arguments, environment, descriptors, null);

    /// <summary>Starts a program as the leader of a session whose terminal is <paramref name="terminal"/>, also its stdio.</summary>
    public static int StartOnTerminal(string program, IReadOnlyList<string> arguments, string terminal) =>
        Start(program, arguments, [], [], terminal);

    private static int Start(
        string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment,
        IReadOnlyList<(int Ours, int Theirs)> descriptors, string? terminal)
    {
        var actions = Marshal.AllocHGlobal(256);
        var attributes = Marshal.AllocHGlobal(512);
        var argv = Strings([program, .. arguments]);
        var envp = Strings([.. Inherited(), .. environment]);
        try
        {
            Prepare(actions, attributes, descriptors, terminal);
            var error = PosixSpawn(out var pid, program, actions, attributes, argv, envp);
            _ = ActionsDestroy(actions);
            _ = AttributesDestroy(attributes);
            return error == 0 ? pid : throw new IOException($"cannot start {program}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        finally
        {
            Free(argv);
            Free(envp);
            Marshal.FreeHGlobal(actions);
            Marshal.FreeHGlobal(attributes);
        }
    }

    /// <summary>Waits for a child of ours: its exit code, or 128 + the signal that ended it.</summary>
    public static int Wait(int pid)
    {
        while (true)
        {
            if (Native.WaitPid(pid, out var status, 0) == pid)
            {
                return (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
            }

            if (Marshal.GetLastPInvokeError() != 4) // EINTR
            {
                return -1;
            }
        }
    }

    /// <summary>Reads a descriptor to its end and closes it.</summary>
    public static string ReadAll(int descriptor)
    {
        var bytes = new byte[4096];
        var text = new StringBuilder();
        while (true)
        {
            var count = Native.Read(descriptor, ref bytes[0], bytes.Length);
            if (count < 0 && Marshal.GetLastPInvokeError() == 4)
            {
                continue;
            }

            if (count <= 0)
            {
                _ = Native.Close(descriptor);
                return text.ToString();
            }

            if (text.Length < OutputMax)
            {
                text.Append(Encoding.UTF8.GetString(bytes, 0, (int)count));
            }
        }
    }

    private static void Prepare(nint actions, nint attributes, IReadOnlyList<(int Ours, int Theirs)> descriptors, string? terminal)
    {
        _ = ActionsInit(actions);
        _ = AttributesInit(attributes);
        Span<byte> signals = stackalloc byte[128];
        signals.Clear();
        _ = SetMask(attributes, ref signals[0]);
        signals.Fill(0xff);
        _ = SetDefaults(attributes, ref signals[0]);
        _ = SetFlags(attributes, (short)(SetSignalDefaults | SetSignalMask | (terminal is null ? 0 : NewSession)));
        for (var standard = 0; standard < 3; standard++)
        {
            if (!descriptors.Any(d => d.Theirs == standard))
            {
                _ = AddOpen(actions, standard, terminal ?? "/dev/null", 2, 0);
            }
        }

        foreach (var (ours, theirs) in descriptors)
        {
            _ = AddDup(actions, ours, theirs);
        }
    }

    private static IEnumerable<string> Inherited() =>
        [$"PATH={Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}"];

    private static nint[] Strings(IReadOnlyList<string> values)
    {
        var pointers = new nint[values.Count + 1];
        for (var i = 0; i < values.Count; i++)
        {
            pointers[i] = Marshal.StringToCoTaskMemUTF8(values[i]);
        }

        return pointers;
    }

    private static void Free(nint[] pointers)
    {
        foreach (var pointer in pointers)
        {
            Marshal.FreeCoTaskMem(pointer);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PosixSpawn(out int pid, string path, nint actions, nint attributes, nint[] argv, nint[] envp);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int ActionsInit(nint actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int ActionsDestroy(nint actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int AddDup(nint actions, int from, int to);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(nint actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static partial int AttributesInit(nint attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static partial int AttributesDestroy(nint attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static partial int SetFlags(nint attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int SetMask(nint attributes, ref byte set);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int SetDefaults(nint attributes, ref byte set);
}
