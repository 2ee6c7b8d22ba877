using System.Text;
using CsCheck;
using k8s.Models;
using Knet.Node.Pods;
using Xunit;

namespace Knet.Tests.Unit.Node.Pods;

public sealed class PodRulesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("a$(X)b", "a1b")]
    [InlineData("$(Y)", "$(Y)")]
    [InlineData("$$(X)", "$(X)")]
    [InlineData("$(X", "$(X")]
    [InlineData("cost: 5$", "cost: 5$")]
    [InlineData("$$$(X)", "$1")]
    public void Variables_AreExpandedAsKubernetesDoes(string text, string expected) =>
        Assert.Equal(expected, VariableExpansion.Expand(text, n => n == "X" ? "1" : null));

    [Fact]
    public void HostPorts_AreNamedSinceNoneIsOpened()
    {
        Assert.Null(PodRefusal.HostPorts(APod.WithContainer("""{"name":"a","ports":[{"containerPort":80}]}""").Spec));
        var text = PodRefusal.HostPorts(APod.WithContainer("""{"name":"a","ports":[{"containerPort":80,"hostPort":8080}]}""").Spec);
        Assert.StartsWith("hostPort 8080 is not opened", text);
    }

    [Fact]
    public void TextWithoutKnownVariables_KeepsItsLengthUnlessEscaped() =>
        Gen.String[Gen.Char["ab$()X "], 0, 20].Sample(text =>
            VariableExpansion.Expand(text, _ => null).Length + CountEscapes(text) == text.Length);

    [Fact]
    public void Crashes_WaitLongerAndLonger()
    {
        var backoff = new RestartBackoff();
        var at = Start;
        var waits = new List<double>();
        for (var i = 0; i < 8; i++)
        {
            waits.Add(backoff.Next(at).TotalSeconds);
            at += TimeSpan.FromSeconds(waits[^1] + 1);
        }

        Assert.Equal([0, 10, 20, 40, 80, 160, 300, 300], waits);
        Assert.Equal(0, backoff.Next(at + TimeSpan.FromMinutes(16)).TotalSeconds);
    }

    [Fact]
    public void BackoffOfANewDaemon_GoesOnWhereTheLastLeftOff()
    {
        var last = new RestartBackoff();
        last.Next(Start);
        last.Next(Start);
        var next = new RestartBackoff();
        next.Restore(last.State);
        Assert.Equal(20, next.Next(Start + TimeSpan.FromSeconds(11)).TotalSeconds);
    }

    [Fact]
    public async Task Environment_LaterWinsAndMayUseEarlier()
    {
        var pod = APod.WithContainer("""
            {"name":"c","image":"i","resources":{"limits":{"memory":"1500"}},
             "envFrom":[{"prefix":"P_","configMapRef":{"name":"m"}}],
             "env":[{"name":"A","value":"x"},{"name":"B","value":"$(A)-$(P_k)-$(C)"},{"name":"A","value":"y"},
                    {"name":"N","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['l']"}}},
                    {"name":"M","valueFrom":{"resourceFieldRef":{"resource":"limits.memory","divisor":"1k"}}},
                    {"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu"}}},
                    {"name":"S","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}},
                    {"name":"O","valueFrom":{"secretKeyRef":{"name":"s","key":"none","optional":true}}}]}
            """);
        pod.Metadata.Labels = new Dictionary<string, string> { ["l"] = "label" };
        var env = await ContainerEnvironment.ResolveAsync(pod, pod.Spec.Containers[0], Sources());
        var expected = new Dictionary<string, string>
        {
            ["SVC"] = "1", ["P_k"] = "v", ["A"] = "y", ["B"] = "x-v-$(C)", ["N"] = "label", ["M"] = "2", ["CPU"] = "4", ["S"] = "secret",
        };
        Assert.Equal(expected, env);
    }

    [Theory]
    [InlineData("""{"configMapKeyRef":{"name":"m","key":"zz"}}""", "couldn't find key zz in ConfigMap shop/m")]
    [InlineData("""{"configMapKeyRef":{"name":"none","key":"zz"}}""", "configmap \"none\" not found")]
    [InlineData("""{"secretKeyRef":{"name":"none","key":"zz"}}""", "secret \"none\" not found")]
    [InlineData("""{"fieldRef":{"fieldPath":"spec.nothing"}}""", "unsupported fieldPath: spec.nothing")]
    public async Task BrokenReferences_AreSaidInKubeletsWords(string from, string expected)
    {
        var pod = APod.WithContainer($$"""{"name":"c","image":"i","env":[{"name":"A","valueFrom":{{from}} } ] }""");
        var e = await Assert.ThrowsAsync<ContainerConfigException>(
            () => ContainerEnvironment.ResolveAsync(pod, pod.Spec.Containers[0], Sources()));
        Assert.Equal(expected, e.Message);
    }

    [Fact]
    public void ServiceVariables_HaveDockersForm()
    {
        var result = new List<KeyValuePair<string, string>>();
        ServiceEnvironment.Add(result, "my-db", "10.0.0.9", [new V1ServicePort { Name = "sql", Port = 5432, Protocol = "TCP" }]);
        var map = result.ToDictionary();
        Assert.Equal("10.0.0.9", map["MY_DB_SERVICE_HOST"]);
        Assert.Equal("5432", map["MY_DB_SERVICE_PORT_SQL"]);
        Assert.Equal("tcp://10.0.0.9:5432", map["MY_DB_PORT"]);
        Assert.Equal("tcp", map["MY_DB_PORT_5432_TCP_PROTO"]);
    }

    [Theory]
    [InlineData("reg.example.com/a/b:1", "reg.example.com", true)]
    [InlineData("reg.example.com/a/b:1", "https://reg.example.com/v2/", true)]
    [InlineData("nginx", "https://index.docker.io/v1/", true)]
    [InlineData("reg.example.com/a", "reg.example.co", false)]
    [InlineData("reg.example.com/a", "*.example.com", true)]
    [InlineData("reg.example.com/a/b", "reg.example.com/other", false)]
    public void PullSecrets_ServeTheirRegistryOnly(string image, string registry, bool expected)
    {
        var auth = Convert.ToBase64String("me:pass:word"u8);
        var config = "{\"auths\":{\"" + registry + "\":{\"auth\":\"" + auth + "\"}}}";
        var secret = new V1Secret { Data = new Dictionary<string, byte[]> { [".dockerconfigjson"] = Encoding.UTF8.GetBytes(config) } };
        var found = PullSecrets.For(image, secret).ToList();
        Assert.Equal(expected, found.Count == 1);
        Assert.All(found, c => Assert.Equal(("me", "pass:word"), (c.Username, c.Password)));
    }

    [Fact]
    public void UnreadablePullSecret_OffersNothing() =>
        Assert.Empty(PullSecrets.For("a/b", new V1Secret { Data = new Dictionary<string, byte[]> { [".dockerconfigjson"] = "{"u8.ToArray() } }));

    [Theory]
    [InlineData(null, 8080, 1)]
    [InlineData("""{"httpGet":{"path":"/h","port":0}}""", 8080, 1)]
    [InlineData("""[{"tcpSocket":{"port":9}},{"grpc":{"port":0}}]""", 9, 2)]
    public void QueueProxysProbes_AskTheUsersPortUnlessTheyNameOne(string? json, int port, int count)
    {
        var probes = QueueProxyLoop.Parse(json, 8080);
        Assert.Equal(count, probes.Count);
        Assert.Equal($"{port}", (probes[0].HttpGet?.Port ?? probes[0].TcpSocket.Port).Value);
        Assert.All(probes.Where(p => p.Grpc is not null), p => Assert.Equal(8080, p.Grpc.Port));
    }

    [Fact]
    public void Hosts_NameThePodAndItsAliases()
    {
        var pod = APod.WithContainer("""{"name":"c","image":"i"}""", ""","subdomain":"sub","hostAliases":[{"ip":"1.2.3.4","hostnames":["a","b"]}]""");
        var hosts = PodFiles.Hosts(pod, "10.0.0.5", "cluster.local");
        Assert.Contains("10.0.0.5\tweb.sub.shop.svc.cluster.local\tweb\n", hosts);
        Assert.Contains("1.2.3.4\ta\tb\n", hosts);
        Assert.Equal("web", PodFiles.Hostname(pod, "cluster.local"));
        pod.Spec.SetHostnameAsFQDN = true;
        Assert.Equal("web.sub.shop.svc.cluster.local", PodFiles.Hostname(pod, "cluster.local"));
    }

    private static int CountEscapes(string text)
    {
        var count = 0;
        for (var i = 0; i + 1 < text.Length; i++)
        {
            if (text[i] != '$')
            {
                continue;
            }

            if (text[i + 1] == '$')
            {
                count++;
                i++;
            }
            else if (text[i + 1] == '(' && text.IndexOf(')', i) is var end and > 0)
            {
                i = end;
            }
        }

        return count;
    }

    private static EnvironmentSources Sources() => new(
        name => Task.FromResult(name == "m" ? new V1ConfigMap { Data = new Dictionary<string, string> { ["k"] = "v" } } : null),
        name => Task.FromResult(name == "s" ? new V1Secret { Data = new Dictionary<string, byte[]> { ["k"] = "secret"u8.ToArray() } } : null),
        [KeyValuePair.Create("SVC", "1")], "10.0.0.5", "10.0.0.1", 1 << 30, 4);
}
