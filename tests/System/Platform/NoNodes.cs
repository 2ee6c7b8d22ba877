using Knet.ApiServer.Http;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.Tests.System.Platform;

/// <summary>The fake node has no API of its own: no logs, no exec; its pods answer with what they were asked.</summary>
internal sealed class NoNodes : INodeProxy
{
    public Task ProxyAsync(HttpContext context, string nodeName, string pathAndQuery, CancellationToken cancellationToken) =>
        throw KubeException.Of(503, "ServiceUnavailable", $"node {nodeName} has no API");

    public Task ForwardAsync(HttpContext context, Uri target, string pathAndQuery, string prefix, CancellationToken cancellationToken) =>
        context.Response.WriteAsync($"{context.Request.Method} {new Uri(target, pathAndQuery).AbsoluteUri} seen at {prefix}", cancellationToken);
}
