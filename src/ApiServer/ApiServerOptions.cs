using System.Net;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Metrics;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Knet.ApiServer;

/// <summary>What decides about access.</summary>
/// <param name="Authorizer">
/// An <see cref="RbacAuthorizer"/> is kept up to date with roles and bindings: a change counts once it is acknowledged.
/// </param>
/// <param name="VirtualKinds">
/// Answers reviews and token requests, such as <see cref="Auth.VirtualKinds.HandleAsync"/>; null for other kinds.
/// </param>
/// <param name="Tokens">Fills Secrets of type <c>kubernetes.io/service-account-token</c>; null leaves them empty.</param>
public sealed record AccessControl(
    IAuthorizer Authorizer, Func<KubeRequest, KubeUser, Task<KubeDocument?>>? VirtualKinds = null, ServiceAccountTokens? Tokens = null);

/// <summary>All that the API server's core can be told.</summary>
public sealed record ApiServerOptions
{
    /// <summary>Where the database (<c>knet.db</c>) lives; made when absent. Null: everything in memory only.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>History, backlog and durability of the store. Its <see cref="StoreOptions.File"/> is set from <see cref="DataDirectory"/>.</summary>
    public StoreOptions Store { get; init; } = new();

    /// <summary>Addresses of Services. The first is the API's own (<c>kubernetes.default</c>). Default 10.43.0.0/16.</summary>
    public IPNetwork ServiceRange { get; init; } = IPNetwork.Parse("10.43.0.0/16");

    /// <summary>First and last port given to NodePort and LoadBalancer Services. Default 30000–32767, as Kubernetes.</summary>
    public (int First, int Last) NodePorts { get; init; } = (30000, 32767);

    /// <summary>Where pods reach the API: the endpoints of <c>kubernetes.default</c>. Default: none.</summary>
    public IReadOnlyList<IPEndPoint> ApiEndpoints { get; init; } = [];

    /// <summary>The CA in PEM form, published as ConfigMap <c>kube-root-ca.crt</c> in every namespace. Default: none is published.</summary>
    public string? ClusterCa { get; init; }

    /// <summary>
    /// Who may do what; made with the registry, which it may read as <c>system:masters</c>. Default: everything is allowed, and reviews
    /// and tokens are not served.
    /// </summary>
    public Func<IRegistry, AccessControl>? Access { get; init; }

    /// <summary>Admission, in order.</summary>
    public IReadOnlyList<IAdmissionPlugin> Plugins { get; init; } = [];

    /// <summary>Where metrics.k8s.io has its numbers from. Default: nowhere; then it answers 503.</summary>
    public INodeSummaries? Nodes { get; init; }

    /// <summary>How they are measured.</summary>
    public UsageOptions Usage { get; init; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ILoggerFactory Loggers { get; init; } = NullLoggerFactory.Instance;
}
