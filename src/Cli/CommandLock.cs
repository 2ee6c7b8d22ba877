namespace Knet.Cli;

/// <summary>One <c>knet up</c> or <c>knet down</c> of a home directory at a time: the second waits for the first.</summary>
internal sealed class CommandLock : IDisposable
{
    private const int WouldBlock = 11; // EAGAIN, which .NET passes on as it is
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private readonly FileStream _file;

    private CommandLock(FileStream file) => _file = file;

    /// <exception cref="CliException">The home directory's parent cannot be written.</exception>
    public static async Task<CommandLock> TakeAsync(Places places)
    {
        // Beside the home directory, which "down --purge" removes.
        var path = places.Home.TrimEnd('/') + ".lock";
        using var timer = new PeriodicTimer(Poll, TimeProvider.System);
        while (true)
        {
            if (TryTake(places, path) is { } taken)
            {
                return taken;
            }

            await timer.WaitForNextTickAsync();
        }
    }

    public void Dispose()
    {
        // Removed while it is held; whoever waits makes a new one.
        File.Delete(_file.Name);
        _file.Dispose();
    }

    private static CommandLock? TryTake(Places places, string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (File.Exists(path))
            {
                return new(file);
            }

            file.Dispose(); // the one before has just removed it
            return null;
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                $"{places.Home} cannot be used: {e.Message.TrimEnd('.')}. Make room, or set KNET_HOME to a directory that root can write");
        }
    }
}
