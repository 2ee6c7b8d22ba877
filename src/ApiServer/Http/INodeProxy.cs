using Microsoft.AspNetCore.Http;

namespace Knet.ApiServer.Http;

/// <summary>The way from the API server to a node's kubelet-style HTTPS API, and to programs in pods.</summary>
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

    /// <summary>Passes the request on to a program, without the client's credentials, and its answer back.</summary>
    /// <param name="target">Scheme, address and port; a certificate is not checked, as nobody could have issued one for a pod's address.</param>
    /// <param name="pathAndQuery">What to ask for, as it stood in the client's request behind <paramref name="prefix"/>.</param>
    /// <param name="prefix">The path at which the client sees the program's root: redirects to places on it are sent there.</param>
    Task ForwardAsync(HttpContext context, Uri target, string pathAndQuery, string prefix, CancellationToken cancellationToken);
}
