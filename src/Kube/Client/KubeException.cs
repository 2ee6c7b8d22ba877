using k8s.Models;

namespace Knet.Kube.Client;

/// <summary>A refusal by a Kubernetes API, as the <c>Status</c> object says it. Thrown by both transports.</summary>
public sealed class KubeException(V1Status status, Exception? inner = null)
    : Exception(status.Message ?? status.Reason ?? $"HTTP {status.Code}", inner)
{
    public V1Status Status { get; } = status;
    public int Code => Status.Code ?? 500;
    public string Reason => Status.Reason ?? "";

    public bool IsNotFound => Reason == "NotFound";
    public bool IsAlreadyExists => Reason == "AlreadyExists";
    public bool IsConflict => Reason == "Conflict";
    public bool IsInvalid => Reason == "Invalid";

    /// <summary>The resource version asked for is no longer (or never was) in the history: list again.</summary>
    public bool IsExpired => Reason is "Expired" or "Gone";

    /// <summary>A refusal with the given HTTP code, machine-readable reason and message.</summary>
    public static KubeException Of(int code, string reason, string message, V1StatusDetails? details = null, Exception? inner = null) =>
        new(new V1Status
        {
            ApiVersion = "v1",
            Kind = "Status",
            Metadata = new V1ListMeta(),
            Status = "Failure",
            Code = code,
            Reason = reason,
            Message = message,
            Details = details,
        }, inner);
}
