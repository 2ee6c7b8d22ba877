using Knet.Oci;
using Knet.Oci.Registry;
using Xunit;

namespace Knet.Tests.Unit.Oci;

public sealed class DockerConfigTests
{
    [Theory]
    [InlineData("https://index.docker.io/v1/", "nginx", true)]
    [InlineData("docker.io", "team/app", true)]
    [InlineData("ghcr.io", "ghcr.io/a/b", true)]
    [InlineData("ghcr.io", "quay.io/a/b", false)]
    [InlineData("https://r.example:5000/v2/", "r.example:5000/v2/b", true)]
    [InlineData("r.example", "r.example:5000/b", false)]
    [InlineData("r.example/team", "r.example/team/app", true)]
    [InlineData("r.example/team", "r.example/other/app", false)]
    [InlineData("*.r.example", "a.r.example/x", true)]
    [InlineData("*.r.example", "r.example/x", false)]
    [InlineData("*.r.example", "a.b.r.example/x", false)]
    [InlineData("r*.example", "rx.example/x", true)]
    [InlineData("r.example", "rxexample/x", false)]
    public void Entry_FitsAsKubeletSays(string key, string image, bool fits) => Assert.Equal(
        fits ? 1 : 0, DockerConfig.CredentialsFor($$"""{"auths":{"{{key}}":{"username":"u","password":"p"} } }""", image).Count);

    [Fact]
    public void MoreSpecificEntry_ComesFirst()
    {
        var json = """{"auths":{"r.example":{"username":"all"},"r.example/team":{"username":"team"}}}""";
        Assert.Equal(["team", "all"], DockerConfig.CredentialsFor(json, "r.example/team/app").Select(c => c.Username));
    }

    [Fact]
    public void AllForms_AreRead()
    {
        Assert.Equal(
            [new RegistryCredentials(
                "user", "pa:ss")], DockerConfig.CredentialsFor("""{"r.example":{"auth":"dXNlcjpwYTpzcw=="}}""", "r.example/x"));
        Assert.Equal(
            [new RegistryCredentials(
                "<token>", "t")], DockerConfig.CredentialsFor("""{"auths":{"r.example":{"identitytoken":"t"}}}""", "r.example/x"));
        Assert.Empty(DockerConfig.CredentialsFor("""{"auths":{},"credsStore":"x"}""", "r.example/x"));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("""{"auths":{"r.example":{"auth":"%%%"}}}""")]
    public void OtherText_IsRefused(string json) => Assert.Throws<ImageException>(() => DockerConfig.CredentialsFor(json, "r.example/x"));
}
