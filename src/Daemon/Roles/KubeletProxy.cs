using System.Net;
using k8s.Models;
using Knet.ApiServer.Http;
using Knet.ApiServer.Metrics;
using Knet.Daemon.Roles.Installed;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Yarp.ReverseProxy.Forwarder;

namespace Knet.Daemon.Roles;

/// <summary>
/// Passes logs, exec, attach and port-forward on to the node's own API on loopback, with the API server's credentials, and proxied
/// requests to pods without any.
/// </summary>
internal sealed class KubeletProxy : INodeProxy, INodeSummaries, IDisposable
{
    private readonly PodMachine _machine;
    private readonly RoleLogServer _roles;
    private readonly ServiceProvider _services;
    private readonly IHttpForwarder _forwarder;
    private readonly HttpMessageInvoker _client;
    private readonly HttpMessageInvoker _programs;

    public KubeletProxy(PodMachine machine, RoleLogs logs, TimeProvider time)
    {
        _machine = machine;
        _roles = new RoleLogServer(logs, time);
        _services = new ServiceCollection().AddSingleton(time).AddLogging().AddHttpForwarder().BuildServiceProvider();
        _forwarder = _services.GetRequiredService<IHttpForwarder>();
        _client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
        _programs = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false, AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = TimeSpan.FromSeconds(30),
#pragma warning disable CA5359 // nobody could have issued a certificate for a pod's address; Kubernetes does not check it either
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
        });
    }

    public async Task ProxyAsync(HttpContext context, string nodeName, string pathAndQuery, CancellationToken cancellationToken)
    {
        if (nodeName == InstalledRole.NodeName)
        {
            await _roles.HandleAsync(context, pathAndQuery, cancellationToken);
            return;
        }

        var kubelet = _machine.Kubelet
            ?? throw KubeException.Of(503, "ServiceUnavailable", $"node {nodeName} does not answer yet: it is starting");
        var transformer = new ToKubelet(pathAndQuery, _machine.KubeletToken);
        var origin = kubelet.Address.GetLeftPart(UriPartial.Authority);
        var config = new ForwarderRequestConfig { ActivityTimeout = Timeout.InfiniteTimeSpan };
        await _forwarder.SendAsync(context, origin, _client, config, transformer, cancellationToken);
        if (transformer.Refusal is { } refusal)
        {
            throw refusal;
        }
    }

    public async Task ForwardAsync(
        HttpContext context, Uri target, string pathAndQuery, string prefix, CancellationToken cancellationToken)
    {
        var transformer = new ToProgram(target, pathAndQuery, prefix);
        var config = new ForwarderRequestConfig { ActivityTimeout = Timeout.InfiniteTimeSpan };
        var error = await _forwarder.SendAsync(
            context, target.GetLeftPart(UriPartial.Authority), _programs, config, transformer, cancellationToken);
        if (error != ForwarderError.None && !context.Response.HasStarted && !cancellationToken.IsCancellationRequested)
        {
            var why = context.Features.Get<IForwarderErrorFeature>()?.Exception?.Message ?? error.ToString();
            throw KubeException.Of(503, "ServiceUnavailable", $"error trying to reach service: {why}");
        }
    }

    /// <summary>The log of one container, as the node streams it.</summary>
    public async Task<Stream> OpenLogAsync(V1Pod pod, string container, int tail, bool follow, CancellationToken cancellationToken)
    {
        var meta = pod.Metadata;
        var path = $"/containerLogs/{meta.NamespaceProperty}/{meta.Name}/{container}?tailLines={tail}&follow={(follow ? "true" : "false")}";
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_machine.Kubelet!.Address, path));
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_machine.KubeletToken}");
        var response = await _client.SendAsync(request, cancellationToken);
        return await response.Content.ReadAsStreamAsync(cancellationToken);
    }

    public async Task<ReadOnlyMemory<byte>?> ReadAsync(string nodeName, CancellationToken cancellationToken)
    {
        if (nodeName == InstalledRole.NodeName || _machine.Kubelet is not { } kubelet)
        {
            return null;
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(kubelet.Address, "/stats/summary"));
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {_machine.KubeletToken}");
        try
        {
            using var response = await _client.SendAsync(request, cancellationToken);
            return response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(cancellationToken) : null;
        }
        catch (HttpRequestException)
        {
            return null; // it is stopping: nothing is known
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _programs.Dispose();
        _services.Dispose();
    }

    private sealed class ToKubelet(string pathAndQuery, string token) : HttpTransformer
    {
        /// <summary>What the node refused in plain words; clients of the API want a Status.</summary>
        public KubeException? Refusal { get; private set; }

        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = new Uri(destinationPrefix + pathAndQuery);
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Remove("Authorization");
            proxyRequest.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (proxyResponse is { IsSuccessStatusCode: false, Content: var content } && (int)proxyResponse.StatusCode >= 400
                && content.Headers.ContentType?.MediaType == "text/plain")
            {
                var text = await content.ReadAsStringAsync(cancellationToken);
                Refusal = KubeException.Of((int)proxyResponse.StatusCode, ReasonOf(proxyResponse.StatusCode), text);
                return false;
            }

            return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        }

        private static string ReasonOf(HttpStatusCode code) => code switch
        {
            HttpStatusCode.BadRequest => "BadRequest",
            HttpStatusCode.NotFound => "NotFound",
            HttpStatusCode.ServiceUnavailable => "ServiceUnavailable",
            _ => "InternalError",
        };
    }

    private sealed class ToProgram(Uri target, string pathAndQuery, string prefix) : HttpTransformer
    {
        public override async ValueTask TransformRequestAsync(
            HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
            proxyRequest.RequestUri = new Uri(destinationPrefix + pathAndQuery);
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.Remove("Authorization");
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", httpContext.Request.Host.Value);
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", httpContext.Request.Scheme);
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Uri", prefix + pathAndQuery.Split('?')[0]);
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            var copied = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            if (proxyResponse?.Headers.Location is { } place)
            {
                httpContext.Response.Headers.Location = Seen(place);
            }

            return copied;
        }

        // A redirect on the same program, as its client must follow it.
        private string Seen(Uri place)
        {
            var path = place.IsAbsoluteUri && place.Authority == target.Authority ? place.PathAndQuery : place.OriginalString;
            return path.StartsWith('/') && !path.StartsWith("//", StringComparison.Ordinal) ? prefix + path : path;
        }
    }
}
