using System.Globalization;

namespace Knet.Daemon.Startup;

/// <summary>
/// A directory that belongs to one daemon at a time: a second one would undo the first one's network and write to its database. The kernel
/// gives the lock back when its holder ends, however it ends.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    /// <summary>Holds the lock, and the pid of its holder as text; <c>knet down</c> reads it.</summary>
    public const string FileName = "knetd.pid";

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <exception cref="InvalidOperationException">Another daemon has the directory; the message has its pid.</exception>
    public static DirectoryLock Take(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);

        // Another process may read the pid while we hold the lock: .NET's own sharing modes would not let it, so the lock is taken by hand.
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 1);
        try
        {
            file.Lock(0, 1);
        }
        catch (IOException)
        {
            file.Dispose();
            var pid = File.ReadAllText(path).Trim();
            throw new InvalidOperationException(
                $"{directory} is in use by another knetd (pid {pid}); see knet status, or stop it with knet down");
        }

        file.SetLength(0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        file.Flush();
        return new DirectoryLock(file);
    }

    public void Dispose() => _file.Dispose();
}
