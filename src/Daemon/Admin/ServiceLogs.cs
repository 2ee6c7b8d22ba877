using System.Globalization;
using k8s.Models;
using Knet.Daemon.Roles;
using Knet.Daemon.Startup;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.Daemon.Admin;

/// <summary><c>knet logs</c>: what the containers of a Service's pods print, or the daemon's own log.</summary>
internal sealed class ServiceLogs(KubeClient client, KubeletProxy kubelet, DaemonOptions options)
{
    public async Task HandleAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var tail = int.TryParse(query["tail"], CultureInfo.InvariantCulture, out var lines) ? lines : 100;
        if (query["service"].ToString() is not { Length: > 0 } service)
        {
            await OwnAsync(context, tail);
            return;
        }

        var selector = $"serving.knative.dev/service={service}";
        selector += query["revision"].ToString() is { Length: > 0 } revision ? $",serving.knative.dev/revision={revision}" : "";
        var pods = await client.ListAsync<V1Pod>(query["namespace"].ToString(), context.RequestAborted, selector);
        if (pods.Count == 0)
        {
            throw new AdminException(404, $"service {service} has no pods now: it is at zero, or does not exist (kubectl get ksvc {service})");
        }

        using var gate = new SemaphoreSlim(1);
        await Task.WhenAll(pods.SelectMany(pod => pod.Spec.Containers.Where(c => c.Name != "queue-proxy").Select(async container =>
        {
            await using var log = await kubelet.OpenLogAsync(pod, container.Name, tail, query["follow"] == "true", context.RequestAborted);
            using var reader = new StreamReader(log);
            while (await reader.ReadLineAsync(context.RequestAborted) is { } line)
            {
                await gate.WaitAsync(context.RequestAborted);
                try
                {
                    await context.Response.WriteAsync(pods.Count == 1 ? $"{line}\n" : $"{pod.Metadata.Name} {line}\n", context.RequestAborted);
                    await context.Response.Body.FlushAsync(context.RequestAborted);
                }
                finally
                {
                    gate.Release();
                }
            }
        })));
    }

    private async Task OwnAsync(HttpContext context, int tail)
    {
        var file = Path.Combine(options.Home, "log", "knetd.log");
        if (!File.Exists(file))
        {
            throw new AdminException(404, $"there is no log at {file}: the daemon was started in the foreground and logs to its terminal");
        }

        foreach (var line in File.ReadLines(file).TakeLast(tail))
        {
            await context.Response.WriteAsync(line + "\n", context.RequestAborted);
        }
    }
}
