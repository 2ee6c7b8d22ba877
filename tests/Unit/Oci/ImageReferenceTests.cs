using CsCheck;
using Knet.Oci;
using Knet.Oci.References;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class ImageReferenceTests
{
    private const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("nginx", "docker.io/library/nginx:latest")]
    [InlineData("nginx:1.25", "docker.io/library/nginx:1.25")]
    [InlineData("team/app", "docker.io/team/app:latest")]
    [InlineData("docker.io/nginx", "docker.io/library/nginx:latest")]
    [InlineData("index.docker.io/team/app:2", "docker.io/team/app:2")]
    [InlineData("localhost/app", "localhost/app:latest")]
    [InlineData("localhost:5000/x", "localhost:5000/x:latest")]
    [InlineData("127.0.0.1:5000/a/b/c:v1.2_3-4", "127.0.0.1:5000/a/b/c:v1.2_3-4")]
    [InlineData("[::1]:5000/x:1", "[::1]:5000/x:1")]
    [InlineData("gcr.io/a__b/c--d", "gcr.io/a__b/c--d:latest")]
    [InlineData("a/b@sha256:" + Hex, "docker.io/a/b@sha256:" + Hex)]
    [InlineData("a/b:tag@sha256:" + Hex, "docker.io/a/b@sha256:" + Hex)]
    public void Reference_IsCompleted(string text, string complete) => Assert.Equal(complete, ImageReference.Parse(text).ToString());

    [Theory]
    [InlineData("", "invalid reference format")]
    [InlineData(":tag", "invalid reference format")]
    [InlineData("a b", "invalid reference format")]
    [InlineData("a:b:c", "invalid reference format")]
    [InlineData("a/", "invalid reference format")]
    [InlineData("a//b", "invalid reference format")]
    [InlineData("-a", "invalid reference format")]
    [InlineData("a:-tag", "invalid reference format")]
    [InlineData("a@sha256:123", "invalid reference format")]
    [InlineData("a@sha512:" + Hex, "invalid reference format")]
    [InlineData("a\n", "invalid reference format")]
    [InlineData("a-.example/x", "invalid reference format")]
    [InlineData("r.example:123456/x", "invalid reference format")]
    [InlineData("localhost:5000/App", "invalid reference format: repository name (App) must be lowercase")]
    [InlineData(Hex, "invalid repository name (" + Hex + "), cannot specify 64-byte hexadecimal strings")]
    public void WrongReference_IsRefusedInUpstreamsWords(string text, string error)
    {
        Assert.False(ImageReference.TryParse(text, out _, out var actual));
        Assert.Equal(error, actual);
    }

    [Fact]
    public void WrongReference_HasKubeletsReason()
    {
        var e = Assert.Throws<ImageException>(() => ImageReference.Parse("UPPER"));
        Assert.Equal("InvalidImageName", e.Reason);
        Assert.Equal(
            "Failed to apply default image tag \"UPPER\": couldn't parse image name \"UPPER\": "
            + "invalid reference format: repository name (library/UPPER) must be lowercase",
            e.Message);
    }

    [Fact]
    public void CompleteReference_ParsesToItself() => Gen.String[Gen.Char["abAB019.:/@_-[]"], 0, 40].Sample(text =>
    {
        if (ImageReference.TryParse(text, out var reference, out _))
        {
            Assert.Equal(reference!.ToString(), ImageReference.Parse(reference.ToString()).ToString());
        }
    });
}
