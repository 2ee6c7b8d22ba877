using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry.Kinds;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Roles and bindings: a binding's role never changes, and the authorizer learns of every change before it is acknowledged.</summary>
internal sealed class RoleFeed(RegistryParts parts, string kind, string plural) : KindStrategy
{
    private const string Group = "rbac.authorization.k8s.io";
    private readonly Lock _gate = new();

    public static IEnumerable<(string Kind, string Plural)> Fed { get; } =
    [
        ("ClusterRole", "clusterroles"), ("ClusterRoleBinding", "clusterrolebindings"), ("Role", "roles"), ("RoleBinding", "rolebindings"),
    ];

    /// <summary>Gives the authorizer what is stored.</summary>
    public static void Load(RegistryParts parts)
    {
        foreach (var (kind, plural) in Fed)
        {
            foreach (var stored in parts.Store.Snapshot($"{Group}/{plural}").Range(""))
            {
                (parts.Authorizer as RbacAuthorizer)?.OnChanged(kind, WatchEventType.Added, stored.Document);
            }
        }
    }

    public override void Default(JsonObject value)
    {
        if (value.Object("roleRef") is { } role)
        {
            if (role.Text("apiGroup") is not { Length: > 0 })
            {
                role["apiGroup"] = Group;
            }
        }

        foreach (var subject in value.Items("subjects"))
        {
            if (subject.Text("kind") is "User" or "Group")
            {
                subject.Default("apiGroup", Group);
            }
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        if (!kind.EndsWith("Binding", StringComparison.Ordinal))
        {
            ValidateRules(write.Object, errors);
        }
        else
        {
            ValidateReference(write, errors);
        }

        if (errors.All.Count == 0 && parts.Authorizer is RbacAuthorizer rbac)
        {
            RoleGrants.Check(write, rbac);
        }
    }

    public override Task AfterWriteAsync(WriteContext write, JsonObject value) => Feed(write.Key, write.Stored);

    public override Task AfterRemovalAsync(JsonObject last) => Feed(new ObjectKey(last.Namespace(), last.Name()), null, last);

    private static void ValidateReference(WriteContext write, FieldErrors errors)
    {

        var role = write.Object.Object("roleRef");
        if (role.Text("name") is not { Length: > 0 })
        {
            errors.Required("roleRef.name");
        }

        if (write.Old is { } old && !JsonNode.DeepEquals(old["roleRef"], role))
        {
            errors.Invalid("roleRef", role?.DeepClone(), "cannot change roleRef");
        }
    }

    private static void ValidateRules(JsonObject value, FieldErrors errors)
    {
        var index = 0;
        foreach (var rule in value.Items("rules"))
        {
            if (rule.Array("verbs") is not { Count: > 0 })
            {
                errors.Required($"rules[{index}].verbs", "verbs must contain at least one value");
            }

            index++;
        }
    }

    // What is stored now counts, not what this write put there: two writes may finish in either order.
    private Task Feed(ObjectKey key, Storage.StoredObject? before, JsonObject? last = null)
    {
        if (parts.Authorizer is not RbacAuthorizer authorizer)
        {
            return Task.CompletedTask;
        }

        lock (_gate)
        {
            if (parts.Store.Find($"{Group}/{plural}", key) is { } stored)
            {
                authorizer.OnChanged(kind, WatchEventType.Modified, stored.Document);
            }
            else if (last is not null || before is not null)
            {
                authorizer.OnChanged(kind, WatchEventType.Deleted, last is null ? before!.Document : ObjectBodies.Encode(last, 0));
            }
        }

        return Task.CompletedTask;
    }
}
