using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Knet.Tests.Unit.Gateway;

/// <summary>An ACME server (RFC 8555) that checks signatures, nonces and proofs, without a socket.</summary>
internal sealed class AcmeServer(Func<string, string?> askHost) : HttpMessageHandler
{
    public const string Directory = "https://acme.test/directory";

    private readonly ECDsa _authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private ECDsa? _account;
    private string _thumbprint = "";
    private string _nonce = "n0";
    private int _nonces;
    private string _status = "pending";
    private string _certificate = "";
    private string _host = "";

    /// <summary>Refuses the first signed request for its nonce, as servers do after a restart.</summary>
    public bool ForgetsANonce { get; set; }

    public int Requests { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests++;
        var path = request.RequestUri!.AbsolutePath;
        if (path == "/directory")
        {
            return Answer(new JsonObject
            {
                ["newNonce"] = "https://acme.test/nonce", ["newAccount"] = "https://acme.test/account", ["newOrder"] = "https://acme.test/order",
            });
        }

        if (request.Method == HttpMethod.Head)
        {
            return Answer([]);
        }

        var jws = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!.AsObject();
        return Problem(request, jws) is { } problem ? Refuse(problem) : Handle(path, Decode((string)jws["payload"]!));
    }

    private string? Problem(HttpRequestMessage request, JsonObject jws)
    {
        var header = JsonNode.Parse(Decode((string)jws["protected"]!))!;
        if (request.Content!.Headers.ContentType!.ToString() != "application/jose+json" || (string?)header["url"] != request.RequestUri!.AbsoluteUri)
        {
            return "malformed";
        }

        if (ForgetsANonce || (string?)header["nonce"] != _nonce)
        {
            ForgetsANonce = false;
            return "badNonce";
        }

        if (header["jwk"] is { } jwk)
        {
            var point = new ECPoint { X = Base64Url.DecodeFromChars((string)jwk["x"]!), Y = Base64Url.DecodeFromChars((string)jwk["y"]!) };
            _account = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
            var canonical = $$"""{"crv":"P-256","kty":"EC","x":"{{(string)jwk["x"]!}}","y":"{{(string)jwk["y"]!}}"}""";
            _thumbprint = Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)));
        }
        else if ((string?)header["kid"] != "https://acme.test/account/1")
        {
            return "accountDoesNotExist";
        }

        var signed = Encoding.ASCII.GetBytes($"{(string)jws["protected"]!}.{(string)jws["payload"]!}");
        var signature = Base64Url.DecodeFromChars((string)jws["signature"]!);
        return _account!.VerifyData(signed, signature, HashAlgorithmName.SHA256) ? null : "unauthorized";
    }

    private HttpResponseMessage Handle(string path, string payload)
    {
        switch (path)
        {
            case "/account":
                return Answer([], "https://acme.test/account/1");
            case "/order":
                _host = (string)JsonNode.Parse(payload)!["identifiers"]![0]!["value"]!;
                return Answer(Order(), "https://acme.test/order/1");
            case "/order/1":
                return Answer(Order());
            case "/authz/1":
                return Answer(Authorization());
            case "/challenge/1":
                _status = askHost("token1") == $"token1.{_thumbprint}" ? "ready" : "invalid";
                return Answer([]);
            case "/finalize/1":
                Sign(Base64Url.DecodeFromChars((string)JsonNode.Parse(payload)!["csr"]!));
                return Answer(Order());
            default:
                return With(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(_certificate) });
        }
    }

    private JsonObject Order() => new()
    {
        ["status"] = _status, ["authorizations"] = new JsonArray("https://acme.test/authz/1"), ["finalize"] = "https://acme.test/finalize/1",
        ["certificate"] = "https://acme.test/certificate/1",
    };

    private JsonObject Authorization() => new()
    {
        ["status"] = _status is "ready" or "valid" ? "valid" : _status, ["identifier"] = new JsonObject { ["value"] = _host },
        ["challenges"] = new JsonArray(
            new JsonObject { ["type"] = "dns-01", ["token"] = "other", ["url"] = "https://acme.test/none" },
            new JsonObject
            {
                ["type"] = "http-01", ["token"] = "token1", ["url"] = "https://acme.test/challenge/1",
                ["error"] = _status == "invalid" ? new JsonObject { ["detail"] = "the host gave another answer" } : null,
            }),
    };

    private void Sign(byte[] request)
    {
        var csr = CertificateRequest.LoadSigningRequest(
            request, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
        using var certificate = csr.Create(
            new X500DistinguishedName("CN=acme.test"), X509SignatureGenerator.CreateForECDsa(_authority), DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.AddYears(1), [1]);
        _certificate = certificate.ExportCertificatePem();
        _status = "valid";
    }

    private HttpResponseMessage Answer(JsonObject body, string? location = null)
    {
        var answer = With(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(body.ToJsonString()) });
        answer.Headers.Location = location is null ? null : new Uri(location);
        return answer;
    }

    private HttpResponseMessage Refuse(string type)
    {
        var body = new JsonObject { ["type"] = $"urn:ietf:params:acme:error:{type}", ["detail"] = type };
        return With(new HttpResponseMessage(HttpStatusCode.BadRequest)
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/problem+json"),
        });
    }

    private HttpResponseMessage With(HttpResponseMessage answer)
    {
        answer.Headers.Add("Replay-Nonce", _nonce = $"n{++_nonces}");
        return answer;
    }

    private static string Decode(string text) => Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
}
