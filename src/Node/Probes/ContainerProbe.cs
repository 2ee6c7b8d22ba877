using System.Globalization;
using System.Net;
using k8s.Models;
using Knet.Node.Pods;
using Knet.Node.Runtime;

namespace Knet.Node.Probes;

/// <summary>Executes probes and hooks of one container: whatever of exec, httpGet, tcpSocket, grpc they name.</summary>
internal sealed class ContainerProbe(PodContext pod, V1Container container)
{
    /// <param name="run">The container's present run, for exec.</param>
    /// <param name="address">Where to ask: the pod's address, or its loopback.</param>
    public async Task<ProbeResult> AskAsync(
        V1Probe probe, ContainerRun? run, IPAddress address, TimeSpan timeout, CancellationToken cancellationToken, bool http2 = false)
    {
        var sandbox = pod.Sandbox!;
        using var limit = new CancellationTokenSource(timeout, pod.Node.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var result = probe switch
            {
                { Exec: { } exec } when run is not null => await ExecAsync(run, exec.Command ?? [], timeout, cancellationToken),
                { HttpGet: { } get } =>
                    await pod.Node.Probes.HttpAsync(sandbox, HostOr(get.Host, address), Port(get.Port), get, http2, both.Token),
                { TcpSocket: { } tcp } => await pod.Node.Probes.TcpAsync(sandbox, HostOr(tcp.Host, address), Port(tcp.Port), both.Token),
                { Grpc: { } grpc } => await pod.Node.Probes.GrpcAsync(sandbox, address, grpc.Port, grpc.Service ?? "", both.Token),
                _ => new ProbeResult(true, ""),
            };
            cancellationToken.ThrowIfCancellationRequested();
            return result;
        }
        catch (Exception e) when (e is ContainerConfigException or IOException or System.ComponentModel.Win32Exception)
        {
            return new ProbeResult(false, e.Message);
        }
    }

    /// <summary>Runs a command in the container; success is exit code 0.</summary>
    public async Task<ProbeResult> ExecAsync(
        ContainerRun run, IEnumerable<string> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var exec = new ContainerExec(pod.Node.Runtime, pod.Node.Paths, pod.Node.Time);
        var (code, output) = await exec.RunAsync(run.Id, run.Spec!, [.. command], timeout, cancellationToken);
        return code is null
            ? new ProbeResult(false, $"command timed out after {timeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s")
            : new ProbeResult(code == 0, output);
    }

    /// <summary>A number, or the name of one of the container's ports.</summary>
    /// <exception cref="ContainerConfigException">No port of that name.</exception>
    public int Port(IntOrString port) =>
        int.TryParse(port.Value, CultureInfo.InvariantCulture, out var number)
            ? number
            : container.Ports?.FirstOrDefault(p => p.Name == port.Value)?.ContainerPort
                ?? throw new ContainerConfigException($"couldn't find port: {port.Value} in container {container.Name}");

    private static IPAddress HostOr(string? host, IPAddress address) => IPAddress.TryParse(host, out var explicitly) ? explicitly : address;
}
