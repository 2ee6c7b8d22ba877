using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Knet.Daemon.Startup;

/// <summary>The daemon's log: one line an entry on standard error, which the starter leads to a file.</summary>
internal static class Logs
{
    /// <param name="also">Takes the entries too.</param>
    /// <param name="level">The least that is told, unless <c>$KNET_LOG</c> (Debug, Information, Warning …) says otherwise.</param>
    public static ILoggerFactory Create(ILoggerProvider? also = null, LogLevel level = LogLevel.Information) => LoggerFactory.Create(b => b
        .SetMinimumLevel(Enum.TryParse<LogLevel>(Environment.GetEnvironmentVariable("KNET_LOG"), ignoreCase: true, out var asked) ? asked : level)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddAlso(also)
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        })
        .Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace));

    private static ILoggingBuilder AddAlso(this ILoggingBuilder builder, ILoggerProvider? also) => also is null ? builder : builder.AddProvider(also);
}
