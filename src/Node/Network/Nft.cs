using System.ComponentModel;
using System.Diagnostics;

namespace Knet.Node.Network;

/// <summary>Runs nftables programs. A program is one transaction: all of it takes effect, or nothing.</summary>
internal static class Nft
{
    /// <exception cref="NetworkException">nft is missing, or refused the program; the message holds its words.</exception>
    public static async Task RunAsync(string program, CancellationToken cancellationToken)
    {
        using var process = Start();
        try
        {
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.StandardInput.WriteAsync(program.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            var text = await error;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                throw new NetworkException($"nft refused the rules: {text.Trim()}");
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
        catch (IOException e)
        {
            throw new NetworkException($"nft ended while it was given the rules: {e.Message}", e);
        }
    }

    private static Process Start()
    {
        try
        {
            return Process.Start(new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception e)
        {
            throw new NetworkException("the program nft cannot be started: install the package nftables", e);
        }
    }
}
