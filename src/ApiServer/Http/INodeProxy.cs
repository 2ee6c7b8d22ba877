using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>The way to a node's kubelet-style HTTPS API.</summary>
public interface INodeProxy
{
    /// <summary>
    /// Passes the request on to the node and its answer back: bodies streamed as they come, WebSocket and other upgrades passed through
    /// with their subprotocol headers.
    /// </summary>
    /// <param name="context">The client's request; its own path and query are not used. Credentials are the proxy's, not the client's.</param>
    /// <param name="nodeName">The Node object's name.</param>
    /// <param name="pathAndQuery">What to ask the node for, such as <c>/containerLogs/default/web/app?follow=true</c>.</param>
    Task ProxyAsync(HttpContext context, string nodeName, string pathAndQuery, CancellationToken cancellationToken);
}
