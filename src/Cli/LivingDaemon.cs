using System.Globalization;

namespace Knet.Cli;

/// <summary>The daemon that holds a home directory, found by its lock rather than by its socket.</summary>
internal static class LivingDaemon
{
    /// <returns>Its pid, or null when none lives.</returns>
    public static int? Find(Places places)
    {
        if (!File.Exists(places.DaemonLock))
        {
            return null;
        }

        using var file = new FileStream(places.DaemonLock, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 1);
        try
        {
            file.Lock(0, 1);
            return null;
        }
        catch (IOException)
        {
            using var reader = new StreamReader(file);
            return int.TryParse(reader.ReadToEnd(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
    }
}
