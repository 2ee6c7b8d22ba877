using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Auth;
using Knet.Kube.Admission;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>
/// Secrets of type <c>kubernetes.io/service-account-token</c>: filled with a token of the account that their annotation names, as soon as
/// both exist, and deleted with the account.
/// </summary>
internal sealed class AccountTokenSecrets(RegistryParts parts, string? clusterCa)
{
    private const string Type = "kubernetes.io/service-account-token";
    private const string NameAnnotation = "kubernetes.io/service-account.name";
    private const string UidAnnotation = "kubernetes.io/service-account.uid";

    // Such a token has no end of its own: it ends with its Secret or its account.
    private static readonly TimeSpan Lifetime = TimeSpan.MaxValue;

    private static readonly KubeUser Controller = new(
        "system:serviceaccount:kube-system:tokens-controller", ["system:masters", "system:serviceaccounts:kube-system"]);

    public static void Validate(JsonObject secret, FieldErrors errors)
    {
        if (secret.Text("type") == Type && AccountOf(secret).Length == 0)
        {
            errors.Required($"metadata.annotations[{NameAnnotation}]");
        }
    }

    /// <summary>Puts token, CA and namespace into the Secret, if it is one for an account that exists and lacks them.</summary>
    public void Fill(JsonObject secret)
    {
        if (secret.Text("type") != Type || parts.Tokens is not { } tokens || secret.Object("data").Text("token") is { Length: > 0 }
            || Account(secret.Namespace(), AccountOf(secret)) is not { } uid)
        {
            return;
        }

        secret.Metadata().Ensure("annotations")[UidAnnotation] = uid;
        var bound = new BoundObject("Secret", secret.Name(), secret.Metadata().Text("uid") ?? "");
        var data = secret.Ensure("data");
        data["token"] = Encode(tokens.Issue(secret.Namespace(), AccountOf(secret), uid, [], Lifetime, bound).Token);
        data["namespace"] = Encode(secret.Namespace());
        if (clusterCa is not null)
        {
            data["ca.crt"] = Encode(clusterCa);
        }
    }

    /// <summary>Fills the Secrets that waited for an account.</summary>
    public async Task FillAllAsync(string ns, string account)
    {
        foreach (var (kind, request) in Of(ns, account, KubeVerb.Update))
        {
            await IgnoreMissingAsync(async pipeline =>
                await new Updates(parts, pipeline, new Creations(parts, pipeline)).ChangeAsync(kind, kind, request, Controller, [], s => s));
        }
    }

    /// <summary>Deletes the Secrets of an account that is gone.</summary>
    public async Task DeleteAllAsync(string ns, string account)
    {
        foreach (var (kind, request) in Of(ns, account, KubeVerb.Delete))
        {
            await IgnoreMissingAsync(async pipeline =>
                await new Deletions(parts, pipeline, new Reads(parts)).DeleteAsync(kind, request, Controller));
        }
    }

    private List<(KindInfo Kind, KubeRequest Request)> Of(string ns, string account, KubeVerb verb)
    {
        var kind = parts.Kinds.Catalog.Find("", "v1", "secrets")!;
        return
        [
            .. parts.Store.Snapshot("/secrets").Range(ns)
                .Where(s => s.Document.Metadata.Annotations?.TryGetValue(NameAnnotation, out var name) == true && name == account)
                .Where(s => ObjectBodies.Parse(s.Document).Text("type") == Type)
                .Select(s => (kind, new KubeRequest(verb, kind.Type)
                {
                    Namespace = ns, Name = s.Key.Name, FieldManager = "kube-controller-manager",
                })),
        ];
    }

    private async Task IgnoreMissingAsync(Func<WritePipeline, Task> write)
    {
        try
        {
            await write(new WritePipeline(parts));
        }
        catch (KubeException e) when (e.IsNotFound)
        {
            // Deleted meanwhile: nothing is left to do.
        }
    }

    private static string AccountOf(JsonObject secret) => secret.Object("metadata").Object("annotations").Text(NameAnnotation) ?? "";

    private string? Account(string ns, string name) => name.Length == 0
        ? null
        : parts.Store.Find("/serviceaccounts", new ObjectKey(ns, name))?.Document.Metadata.Uid;

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
