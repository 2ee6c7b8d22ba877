using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Xunit;

namespace Knet.Tests.EndToEnd.Platform;

/// <summary>
/// One running Knet of the tests' own: new directories, names, ranges and ports that do not meet those of a platform that the user runs, pods
/// cut off from the outside.
/// </summary>
public sealed class KnetPlatform : IAsyncLifetime
{
    private readonly Dictionary<string, string> _environment;

    public KnetPlatform()
    {
        Home = Directory.CreateTempSubdirectory("knet-e2e-").FullName;
        RunDirectory = Home + "-run";
        _environment = new()
        {
            ["KNET_HOME"] = Home, ["KNET_RUN"] = RunDirectory, ["KUBECONFIG"] = Path.Combine(Home, "user-kubeconfig"),
        };
    }

    /// <summary>The API's cluster address: the first of the tests' service range.</summary>
    public const string ApiAddress = "10.83.0.1";

    private static readonly string[] OwnNames =
    [
        "--instance", "e", "--pod-range", "10.82.0.0/16", "--service-range", "10.83.0.0/16", "--api-port", "16443",
    ];

    public string Home { get; }
    public string RunDirectory { get; }

    public HttpClient Http { get; private set; } = new();

    public async ValueTask InitializeAsync()
    {
        await UpAsync();
        await TestImages.LoadAsync(this);
        (await KubectlAsync(
            "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p",
            """{"data":{"scale-to-zero-grace-period":"1s"}}""")).OrFail();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        (await KnetAsync("down", "--purge")).OrFail();
    }

    internal Task<ShellResult> KnetAsync(params string[] arguments) => Shell.RunAsync(Repository.Knet, arguments, environment: _environment);

    /// <summary>The README's first command, with the tests' own names and directories.</summary>
    internal async Task<ShellResult> DoUpAsync()
    {
        string[] arguments = ["up", "--egress", "off", .. OwnNames];
        var up = (await Shell.RunAsync(Path.Combine(Repository.Root, "do"), arguments, environment: _environment)).OrFail();
        Http.Dispose();
        Http = await NewHttpAsync();
        return up;
    }

    /// <summary>Starts the platform (or finds it running) and points <see cref="Http"/> at its gateway.</summary>
    internal async Task<ShellResult> UpAsync()
    {
        var up = (await KnetAsync(["up", "--egress", "off", .. OwnNames])).OrFail();
        Http.Dispose();
        Http = await NewHttpAsync();
        return up;
    }

    internal Task<ShellResult> KubectlAsync(params string[] arguments) =>
        Shell.RunAsync(Repository.Kubectl, ["--kubeconfig", Path.Combine(Home, "kubeconfig"), .. arguments]);

    internal Task<ShellResult> ApplyAsync(string yaml) =>
        Shell.RunAsync(Repository.Kubectl, ["--kubeconfig", Path.Combine(Home, "kubeconfig"), "apply", "-f", "-"], yaml);

    /// <summary>A script of a user of this platform: kubectl and knet are on its path and find it.</summary>
    internal Task<ShellResult> BashAsync(string script) => Shell.RunAsync(
        "bash", ["-c", script], environment: new Dictionary<string, string>(_environment)
        {
            ["KUBECONFIG"] = Path.Combine(Home, "kubeconfig"),
            ["PATH"] = string.Join(
                ':', Path.GetDirectoryName(Repository.Knet), Path.GetDirectoryName(Repository.Kubectl), Environment.GetEnvironmentVariable("PATH")),
        });

    internal async Task<JsonNode> GetAsync(string resource, string name, string ns = "default") =>
        JsonNode.Parse((await KubectlAsync("get", resource, name, "-n", ns, "-o", "json")).OrFail().Output)!;

    internal async Task WaitReadyAsync(string resource, int seconds = 60)
    {
        var wait = await KubectlAsync("wait", "--for=condition=Ready", resource, $"--timeout={seconds.ToString(CultureInfo.InvariantCulture)}s");
        if (wait.ExitCode != 0)
        {
            var described = await KubectlAsync("describe", resource);
            throw new InvalidOperationException($"{resource} did not become ready: {wait.Error}\n{described.Output}");
        }
    }

    /// <summary>Looks every 50 ms until the condition holds.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, int seconds, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"not within {seconds} s: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>A GET to a service by its host name, over the gateway on loopback.</summary>
    internal Task<string> CurlAsync(string service) => Http.GetStringAsync(new Uri($"http://{service}.default.localhost/"));

    /// <summary>Number of pods of a service that are not going away.</summary>
    internal async Task<int> PodsAsync(string service)
    {
        var list = (await KubectlAsync("get", "pods", "-l", $"serving.knative.dev/service={service}", "-o", "json")).OrFail();
        return JsonNode.Parse(list.Output)!["items"]!.AsArray().Count;
    }

    private async Task<HttpClient> NewHttpAsync()
    {
        var status = (await KnetAsync("status")).OrFail().Output;
        var gateway = status.Split('\n').First(line => line.Contains(" gateway ", StringComparison.Ordinal));
        var after = gateway.Split("localhost:") is { Length: > 1 } parts ? new string([.. parts[1].TakeWhile(char.IsAsciiDigit)]) : "80";
        var port = int.Parse(after, CultureInfo.InvariantCulture);
        return new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync("127.0.0.1", port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { Timeout = TimeSpan.FromSeconds(60) };
    }
}

/// <summary>Tests that share one platform.</summary>
[CollectionDefinition(Name)]
public sealed class SharedPlatform : ICollectionFixture<KnetPlatform>
{
    public const string Name = "platform";
}
