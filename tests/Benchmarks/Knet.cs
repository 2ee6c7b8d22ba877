using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;

namespace Knet.Tests.Benchmarks;

/// <summary>The installed programs and a running platform, as a user has them.</summary>
internal static class Knet
{
    public static string Program { get; } = Path.GetFullPath("artifacts/knet/knet");

    public static async Task<string> RunAsync(
        string program, string[] arguments, string? input = null, IDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
        }

        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {await output}{await error}");
    }

    public static Task<string> KubectlAsync(params string[] arguments) => KubectlAsync(null, arguments);

    public static Task<string> KubectlAsync(string? input, string[] arguments)
    {
        var home = Environment.GetEnvironmentVariable("KNET_HOME") ?? "/var/lib/knet";
        return RunAsync("kubectl", ["--kubeconfig", Path.Combine(home, "kubeconfig"), .. arguments], input);
    }

    /// <summary>A client of the administration socket.</summary>
    public static HttpClient Admin() => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            var run = Environment.GetEnvironmentVariable("KNET_RUN") ?? "/run/knet";
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(run, "admin.sock")), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://knet") };

    /// <summary><c>knet up</c> with the arguments given to every benchmark; pods need no way out.</summary>
    public static Task UpAsync(Options options, IDictionary<string, string> environment) =>
        RunAsync(Program, ["up", "--egress", "off", .. options.Up], environment: environment);

    public static async Task<int> GatewayPortAsync() => new Uri((await StatusAsync()).GetProperty("gateway").GetString()!).Port;

    public static async Task<JsonElement> StatusAsync()
    {
        using var admin = Admin();
        using var status = JsonDocument.Parse(await admin.GetStringAsync(new Uri("/v1/status", UriKind.Relative)));
        return status.RootElement.Clone();
    }

    public static async Task WaitAsync(Func<Task<bool>> condition, TimeSpan limit, string what)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new TimeoutException(what);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, CancellationToken.None);
        }
    }
}
