using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Knet.Tests.EndToEnd.Platform;

/// <summary>Debian's docker-registry on a free port of the loopback address, over plain HTTP, with its data in a new directory.</summary>
internal sealed class LoopbackRegistry : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _directory;

    private LoopbackRegistry(Process process, string directory, int port)
    {
        _process = process;
        _directory = directory;
        Address = $"localhost:{port}";
    }

    public string Address { get; }

    public static async Task<LoopbackRegistry> StartAsync()
    {
        var directory = Directory.CreateTempSubdirectory("knet-registry-").FullName;
        var port = FreePort();
        var config = Path.Combine(directory, "config.yml");
        await File.WriteAllTextAsync(config, $"""
            version: 0.1
            log: {"{level: error}"}
            storage:
              filesystem:
                rootdirectory: {directory}/data
            http:
              addr: 127.0.0.1:{port}
            """);
        var process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", config])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        using var http = new HttpClient();
        await KnetPlatform.UntilAsync(
            async () =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/v2/"));
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            20,
            "the registry answers");
        return new LoopbackRegistry(process, directory, port);
    }

    public async Task PushAsync(string tar, string name)
    {
        string[] arguments = ["copy", "--insecure-policy", "--dest-tls-verify=false", $"oci-archive:{tar}", $"docker://{Address}/{name}"];
        (await Shell.RunAsync("skopeo", arguments)).OrFail();
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
