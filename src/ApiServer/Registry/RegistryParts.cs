using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Admission;
using Knet.ApiServer.Admission.Quota;
using Knet.ApiServer.Auth;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Strategies;
using Knet.ApiServer.Schemas;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>What the verbs share.</summary>
internal sealed class RegistryParts
{
    private Dictionary<string, KindStrategy> _strategies = [];

    public RegistryParts(Store store, AdmissionChain admission, TimeProvider time)
    {
        (Store, Admission, Time) = (store, admission, time);
        Quotas = new QuotaLedger(this);
        Limits = new LimitRanges(this);
    }

    public Store Store { get; }
    public AdmissionChain Admission { get; }
    public QuotaLedger Quotas { get; }
    public LimitRanges Limits { get; }
    public TimeProvider Time { get; }
    public KindSource Kinds { get; } = new();

    /// <summary>Null while the server starts: then everything inside it is allowed and nobody else is there.</summary>
    public IAuthorizer? Authorizer { get; set; }

    /// <summary>Answers kinds that are never stored (reviews, tokens); null for a kind it does not know.</summary>
    public Func<KubeRequest, KubeUser, Task<KubeDocument?>>? VirtualKinds { get; set; }

    /// <summary>Answers metrics.k8s.io; null where no node tells what its pods use.</summary>
    public Metrics.MetricsApi? Metrics { get; set; }

    /// <summary>Makes service-account tokens; null where none are served.</summary>
    public ServiceAccountTokens? Tokens { get; set; }

    public KindStrategy StrategyOf(KindInfo hub) => _strategies.GetValueOrDefault(hub.Type.GroupResource, KindStrategy.Plain);

    public void Use(IReadOnlyDictionary<string, KindStrategy> strategies) => _strategies = new(strategies, StringComparer.Ordinal);

    public KindInfo KindOf(ResourceType type) => Kinds.Catalog.Find(type) ?? throw Refusals.NotServed();

    public StoredObject? Find(KindInfo hub, ObjectKey key) => Store.Find(KindSource.TableOf(hub.Type), key);

    /// <summary>The stored object in the version asked for.</summary>
    public KubeDocument View(KindInfo kind, KindInfo hub, StoredObject stored)
    {
        if (kind.Type == hub.Type && stored.Revision >= kind.Since)
        {
            return stored.Document;
        }

        return stored.View($"{kind.Type} {kind.Since}", document =>
        {
            var value = Current(hub, stored);
            Conversions.Convert(value, hub.Type, kind.Type);
            if (kind.Type != hub.Type)
            {
                Fit(kind, value);
            }

            return ObjectBodies.Encode(value, stored.Revision);
        });
    }

    /// <summary>A private copy of the stored object; pruned and defaulted when the CRD has changed since it was stored.</summary>
    public static JsonObject Current(KindInfo hub, StoredObject stored)
    {
        var value = ObjectBodies.Parse(stored.Document);
        if (stored.Revision < hub.Since)
        {
            Fit(hub, value);
        }

        return value;
    }

    private static void Fit(KindInfo kind, JsonObject value)
    {
        if (kind is { IsCustom: true, Schema: { } schema })
        {
            SchemaOperations.Prune(schema.Value, value);
            SchemaOperations.ApplyDefaults(schema.Value, value);
        }
    }

    /// <exception cref="KubeException">403: the user has no right to do it.</exception>
    public void Authorize(KubeUser user, string verb, ResourceType type, string subresource, string ns, string name)
    {
        if (Authorizer is not { } authorizer || user.Groups.Contains("system:masters"))
        {
            return;
        }

        // A single namespace belongs to itself: rights given inside it suffice to read it.
        ns = type is { Group: "", Plural: "namespaces" } ? name : type.Namespaced ? ns : "";
        var (allowed, reason) = authorizer.Authorize(user, new AccessAttributes(verb, type.Group, type.Plural, subresource, ns, name));
        if (!allowed)
        {
            throw Refusals.Denied(user, verb, type, subresource, ns, name, reason);
        }
    }
}
