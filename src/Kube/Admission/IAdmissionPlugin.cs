using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Kube.Admission;

/// <summary>Who makes a request: user name and groups as the authenticator found them.</summary>
public sealed record KubeUser(string Name, IReadOnlyList<string> Groups, string Uid = "")
{
    /// <summary>What else the authenticator knows, by keys such as <c>authentication.kubernetes.io/pod-name</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Extra { get; init; } = NoExtra;

    private static readonly Dictionary<string, IReadOnlyList<string>> NoExtra = [];

    public static KubeUser ServiceAccount(string ns, string name) =>
        new($"system:serviceaccount:{ns}:{name}", ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"]);
}

/// <summary>A write on its way into the store, as a webhook would see it.</summary>
/// <param name="Operation">Create, Update (patches too) or Delete.</param>
/// <param name="Object">The new object; null for deletions.</param>
/// <param name="OldObject">The stored object; null for creations.</param>
public sealed record AdmissionRequest(
    KubeVerb Operation, ResourceType Type, string Subresource, ObjectKey Key, KubeDocument? Object, KubeDocument? OldObject,
        KubeUser User, bool DryRun);

/// <summary>What admission says.</summary>
/// <param name="Mutated">The object with defaults filled in, or null when nothing changed.</param>
/// <param name="Denied">Why the write is refused, or null.</param>
public sealed record AdmissionResponse(KubeDocument? Mutated = null, string? Denied = null, int Code = 400, string Reason = "BadRequest")
{
    public IReadOnlyList<string> Warnings { get; init; } = [];
    public static AdmissionResponse Allowed { get; } = new();
}

/// <summary>
/// Defaulting and validation of some kinds. The same plug-in runs inside the embedded API server and, on a cluster, behind our
/// webhook; it is called with mutation first, for all plug-ins, then with validation.
/// </summary>
public interface IAdmissionPlugin
{
    bool Handles(ResourceType type, string subresource, KubeVerb operation);

    /// <summary>
    /// Fills in defaults. Pure apart from reading configuration snapshots; called under the registry's write path: be quick.
    /// </summary>
    AdmissionResponse Mutate(AdmissionRequest request);

    AdmissionResponse Validate(AdmissionRequest request);
}
