namespace Knet.DataPlane.Protocol;

/// <summary>Who can reach a listener, and so which routes its requests may take.</summary>
public enum EntryKind
{
    /// <summary>Clients of the machine: routes with external visibility.</summary>
    External,

    /// <summary>Pods and the machine itself: all routes, and Revisions by name.</summary>
    Internal,

    /// <summary>A port of one pod's queue-proxy.</summary>
    Pod,
}

/// <summary>Where a connection came in; a feature of the connection.</summary>
/// <param name="PodAddress">For <see cref="EntryKind.Pod"/>: the pod's IP address.</param>
/// <param name="Port">The port that was addressed.</param>
/// <param name="Tls">Whether the port speaks TLS, with the certificates that the gateway has.</param>
public sealed record EntryPoint(EntryKind Kind, int Port, string PodAddress = "", bool Tls = false);
