using System.Collections.Concurrent;
using System.Reflection;
using k8s.Models;

namespace Knet.Api.Meta;

/// <summary>Where a kind lives in the API: its group, version, plural name, kind and whether its objects are in namespaces.</summary>
public sealed record ResourceType(string Group, string Version, string Plural, string Kind, bool Namespaced)
{
    // Built-in kinds without a namespace; everything else that KubernetesClient models has one.
    private static readonly HashSet<string> ClusterScoped = new(StringComparer.Ordinal)
    {
        "Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "StorageClass",
        "PriorityClass", "RuntimeClass", "IngressClass", "APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
        "TokenReview", "SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SelfSubjectReview",
        "CertificateSigningRequest",
    };

    private static readonly ConcurrentDictionary<Type, ResourceType> Known = new();

    /// <summary><c>apiVersion</c> as it stands in an object: <c>v1</c> or <c>group/version</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The name that error messages and RBAC use: <c>plural</c> or <c>plural.group</c>.</summary>
    public string GroupResource => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>The type of a model class: ours by <see cref="CustomResourceAttribute"/>, Kubernetes' own by its entity attribute.</summary>
    /// <exception cref="InvalidOperationException">The class is no Kubernetes kind.</exception>
    public static ResourceType Of<T>() => Known.GetOrAdd(typeof(T), static type =>
    {
        if (type.GetCustomAttribute<CustomResourceAttribute>() is { } ours)
        {
            return new(ours.Group, ours.Version, ours.Plural, ours.Kind, ours.Namespaced);
        }

        return type.GetCustomAttribute<KubernetesEntityAttribute>() is { } core
            ? new(core.Group ?? "", core.ApiVersion, core.PluralName, core.Kind, !ClusterScoped.Contains(core.Kind))
            : throw new InvalidOperationException($"{type} is not a Kubernetes kind: it carries no group, version and kind");
    });

    public override string ToString() => $"{GroupResource}/{Version}";
}
