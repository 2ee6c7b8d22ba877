using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Knet.Gateway.Tls.Acme;

/// <summary>An account's key (ECDSA P-256) and what is signed with it: JSON Web Signatures in the flattened form (RFC 7515, RFC 8555 6.2).</summary>
internal sealed class AcmeKey : IDisposable
{
    private readonly ECDsa _key;

    private AcmeKey(ECDsa key) => _key = key;

    public static AcmeKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <exception cref="ArgumentException">The text is no private key.</exception>
    public static AcmeKey Read(string pem)
    {
        var key = ECDsa.Create();
        key.ImportFromPem(pem);
        return new AcmeKey(key);
    }

    public string ToPem() => _key.ExportPkcs8PrivateKeyPem();

    /// <summary>What an ACME server finds at a challenge's address: the token and the key's thumbprint (RFC 7638).</summary>
    public string Answer(string token) => $"{token}.{Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(PublicJson())))}";

    /// <param name="account">The account's address; null signs with the key itself, as for a new account.</param>
    /// <param name="payload">Null asks without saying anything (POST-as-GET).</param>
    public string Sign(Uri url, string nonce, Uri? account, JsonObject? payload)
    {
        var header = new JsonObject { ["alg"] = "ES256", ["nonce"] = nonce, ["url"] = url.AbsoluteUri };
        if (account is null)
        {
            header["jwk"] = JsonNode.Parse(PublicJson());
        }
        else
        {
            header["kid"] = account.AbsoluteUri;
        }

        var signed = $"{Encode(header.ToJsonString())}.{(payload is null ? "" : Encode(payload.ToJsonString()))}";
        var dot = signed.IndexOf('.', StringComparison.Ordinal);
        return new JsonObject
        {
            ["protected"] = signed[..dot],
            ["payload"] = signed[(dot + 1)..],
            ["signature"] = Base64Url.EncodeToString(_key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256)),
        }.ToJsonString();
    }

    public void Dispose() => _key.Dispose();

    // The members in the order of the alphabet and without spaces: the thumbprint is taken over this text.
    private string PublicJson()
    {
        var point = _key.ExportParameters(false).Q;
        return $$"""{"crv":"P-256","kty":"EC","x":"{{Base64Url.EncodeToString(point.X)}}","y":"{{Base64Url.EncodeToString(point.Y)}}"}""";
    }

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
