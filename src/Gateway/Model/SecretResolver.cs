using System.Collections.Immutable;
using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;
using Knet.Kube.Controllers;

namespace Knet.Gateway.Model;

/// <summary>The certificates that an Ingress names, by the view's Secrets. Pure, as views are.</summary>
internal sealed class SecretResolver(IView view)
{
    private const string CertificateKey = "tls.crt";
    private const string PrivateKeyKey = "tls.key";

    /// <summary>Why some certificates cannot be shown (yet), in sentences.</summary>
    public List<string> Problems { get; } = [];

    public ImmutableArray<CertificateRules> Resolve(KnIngress ingress)
    {
        var found = ImmutableArray.CreateBuilder<CertificateRules>();
        foreach (var tls in ingress.Spec.Tls ?? [])
        {
            var ns = string.IsNullOrEmpty(tls.SecretNamespace) ? ingress.Metadata.NamespaceProperty ?? "" : tls.SecretNamespace;
            var key = new ObjectKey(ns, tls.SecretName ?? "");
            if (view.Get<V1Secret>(key.Namespace, key.Name) is not { } secret)
            {
                Problems.Add($"Waiting for Secret {key} to exist.");
            }
            else if (Text(secret, CertificateKey) is not { } certificate || Text(secret, PrivateKeyKey) is not { } privateKey)
            {
                Problems.Add($"Secret {key} needs both {CertificateKey} and {PrivateKeyKey}.");
            }
            else
            {
                var version = $"{secret.Metadata.Uid}/{secret.Metadata.ResourceVersion}";
                found.Add(new CertificateRules([.. tls.Hosts ?? []], key, version) { Certificate = certificate, PrivateKey = privateKey });
            }
        }

        return found.ToImmutable();
    }

    private static string? Text(V1Secret secret, string key) =>
        secret.Data is { } data && data.TryGetValue(key, out var bytes) && bytes.Length > 0 ? Encoding.UTF8.GetString(bytes) : null;
}
