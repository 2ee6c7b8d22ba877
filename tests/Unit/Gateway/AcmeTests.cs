using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Knet.Gateway.Tls.Acme;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Knet.Tests.Unit.Gateway;

public sealed class AcmeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Order_HostIsProved_IsFulfilled(bool forgetsANonce)
    {
        var challenges = new ChallengeBook();
        using var server = new AcmeServer(token => challenges.Find(ChallengeBook.Path + token)) { ForgetsANonce = forgetsANonce };
        var certificate = await OrderAsync(server, challenges.Put);
        using var read = X509Certificate2.CreateFromPem(certificate);
        Assert.Equal(["shop.example.com"], read.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());
    }

    [Fact]
    public async Task Order_HostIsNotOurs_FailsWithTheServersWords()
    {
        using var server = new AcmeServer(_ => "something else");
        var refusal = await Assert.ThrowsAsync<AcmeException>(() => OrderAsync(server, (_, _) => { }));
        Assert.Contains("the host gave another answer", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_ReadAgain_IsTheSameAccount()
    {
        using var key = AcmeKey.Create();
        using var again = AcmeKey.Read(key.ToPem());
        Assert.Equal(key.Answer("t"), again.Answer("t"));
    }

    [Fact]
    public void Challenges_UnknownTokensAndOtherPaths_AreNotAnswered()
    {
        var book = new ChallengeBook();
        book.Put("t", "t.x");
        Assert.Equal("t.x", book.Find("/.well-known/acme-challenge/t"));
        Assert.Null(book.Find("/.well-known/acme-challenge/u"));
        Assert.Null(book.Find("/t"));
        book.Remove("t");
        Assert.Null(book.Find("/.well-known/acme-challenge/t"));
    }

    private static async Task<string> OrderAsync(AcmeServer server, Action<string, string> prove)
    {
        using var http = new HttpClient(server, disposeHandler: false);
        using var account = AcmeKey.Create();
        var client = new AcmeClient(http, new Uri(AcmeServer.Directory), account, new FakeTimeProvider());
        await client.SignInAsync("somebody@example.com", Stop);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("shop.example.com");
        request.CertificateExtensions.Add(names.Build());
        return await client.OrderAsync(["shop.example.com"], prove, request.CreateSigningRequest(), Stop);
    }
}
