using System.Text;
using Knet.Api.Meta;
using Knet.Api.Serving;
using Knet.Api.Serving.Config;
using Knet.Api.Serving.V1;
using Knet.Serving.Config;
using Xunit;

namespace Knet.Tests.Unit.Serving;

/// <summary>Every key of config-features that guards a field: refused with upstream's text, and let pass.</summary>
public sealed class FeatureFlagTests
{
    private const string Spec = "must not set the field(s): spec.template.spec.";
    private const string Claim = """{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]}""";

    /// <summary>Key, fields of the pod, fields of its container, what the refusal says.</summary>
    public static TheoryData<string, string, string, string> Flags => new()
    {
        { "kubernetes.podspec-affinity", """{"affinity":{"nodeAffinity":{}}}""", "{}", Spec + "affinity" },
        {
            "kubernetes.podspec-topologyspreadconstraints",
            """{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]}""", "{}",
            Spec + "topologySpreadConstraints"
        },
        { "kubernetes.podspec-hostaliases", """{"hostAliases":[{"ip":"10.0.0.1","hostnames":["a"]}]}""", "{}", Spec + "hostAliases" },
        { "kubernetes.podspec-nodeselector", """{"nodeSelector":{"a":"b"}}""", "{}", Spec + "nodeSelector" },
        { "kubernetes.podspec-tolerations", """{"tolerations":[{"operator":"Exists"}]}""", "{}", Spec + "tolerations" },
        { "kubernetes.podspec-runtimeclassname", """{"runtimeClassName":"gvisor"}""", "{}", Spec + "runtimeClassName" },
        { "kubernetes.podspec-dnspolicy", """{"dnsPolicy":"Default"}""", "{}", Spec + "dnsPolicy" },
        { "kubernetes.podspec-dnsconfig", """{"dnsConfig":{"nameservers":["10.0.0.1"]}}""", "{}", Spec + "dnsConfig" },
        { "kubernetes.podspec-securitycontext", """{"securityContext":{"runAsUser":1}}""", "{}", Spec + "securityContext" },
        { "kubernetes.podspec-shareprocessnamespace", """{"shareProcessNamespace":true}""", "{}", Spec + "shareProcessNamespace" },
        { "kubernetes.podspec-hostipc", """{"hostIPC":true}""", "{}", Spec + "hostIPC" },
        { "kubernetes.podspec-hostpid", """{"hostPID":true}""", "{}", Spec + "hostPID" },
        { "kubernetes.podspec-hostnetwork", """{"hostNetwork":true}""", "{}", Spec + "hostNetwork" },
        { "kubernetes.podspec-priorityclassname", """{"priorityClassName":"high"}""", "{}", Spec + "priorityClassName" },
        { "kubernetes.podspec-schedulername", """{"schedulerName":"other"}""", "{}", Spec + "schedulerName" },
        { "kubernetes.podspec-init-containers", """{"initContainers":[{"name":"first","image":"a/b"}]}""", "{}", Spec + "initContainers" },
        {
            "kubernetes.podspec-fieldref", "{}", """{"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}""",
            Spec + "containers[0].env[0].valueFrom.fieldRef"
        },
        {
            "kubernetes.containerspec-addcapabilities", "{}", """{"securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}""",
            Spec + "containers[0].securityContext.capabilities.add"
        },
        {
            "kubernetes.podspec-volumes-emptydir", """{"volumes":[{"name":"v","emptyDir":{}}]}""", Mount(""),
            "EmptyDir volume support is disabled, but found EmptyDir volume v: spec.template.spec.volumes[0]"
        },
        {
            "kubernetes.podspec-volumes-hostpath", """{"volumes":[{"name":"v","hostPath":{"path":"/srv"}}]}""", Mount(""),
            "HostPath volume support is disabled, but found HostPath volume v: spec.template.spec.volumes[0]"
        },
        {
            "kubernetes.podspec-volumes-image", """{"volumes":[{"name":"v","image":{"reference":"a/b"}}]}""", Mount(""),
            "Image volume support is disabled, but found Image volume v: spec.template.spec.volumes[0]"
        },
        {
            "kubernetes.podspec-volumes-csi", """{"volumes":[{"name":"v","csi":{"driver":"d"}}]}""", Mount(""),
            "CSI volume support is disabled, but found CSI volume v: spec.template.spec.volumes[0]"
        },
        {
            "kubernetes.podspec-volumes-ephemeral",
            """{"volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"]}}}}]}""", Mount(""),
            "Ephemeral volume support is disabled, but found Ephemeral volume v: spec.template.spec.volumes[0]"
        },
        {
            "kubernetes.podspec-persistent-volume-claim", """{"volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c","readOnly":true}}]}""",
            Mount("\"readOnly\":true,"), "Persistent volume claim support is disabled, but found persistent volume claim c"
        },
        {
            "kubernetes.podspec-persistent-volume-write", Claim, Mount(""),
            "Persistent volume write support is disabled, but found persistent volume claim c that is not read-only"
        },
        {
            "kubernetes.podspec-volumes-mount-propagation", """{"volumes":[{"name":"v","emptyDir":{}}]}""",
            Mount("\"mountPropagation\":\"HostToContainer\","), "Volume Mount Propagation support is disabled, but "
        },
        {
            "multi-container", """{"containers":[{"image":"a/b","ports":[{"containerPort":80}]},{"image":"c/d"}]}""", "",
            "multi-container is off, but found 2 containers"
        },
        {
            "multi-container-probing",
            """{"containers":[{"image":"a/b","ports":[{"containerPort":80}]},{"image":"c/d","readinessProbe":{"tcpSocket":{"port":81}}}]}""", "",
            Spec + "containers[1].readinessProbe"
        },
    };

    [Theory]
    [MemberData(nameof(Flags))]
    public void Flag_GuardsItsField(string key, string pod, string container, string refusal)
    {
        Assert.Contains(refusal, Check(pod, container, key, "Disabled"), StringComparison.Ordinal);
        Assert.Equal("", Check(pod, container, key, "Enabled"));
    }

    [Fact]
    public void SecureDefaults_AreSetOnlyWhenTheyAreOn()
    {
        Assert.Null(Defaulted("disabled").AllowPrivilegeEscalation);
        var secure = Defaulted("enabled");
        Assert.False(secure.AllowPrivilegeEscalation);
        Assert.Equal(["ALL"], secure.Capabilities.Drop);
        Assert.True(secure.RunAsNonRoot);
        Assert.Null(Defaulted("allowRootBounded").RunAsNonRoot);

        static k8s.Models.V1SecurityContext Defaulted(string value) =>
            Service("{}", "{}").WithDefaults(Policy(("secure-pod-defaults", value)), null, "alice").Spec.Template.Spec.Containers[0].SecurityContext
                ?? new k8s.Models.V1SecurityContext();
    }

    private static string Mount(string more) => $$"""{"volumeMounts":[{{{more}}"name":"v","mountPath":"/v"}]}""";

    private static string Check(string pod, string container, string key, string value)
    {
        // The claim itself is another flag's.
        var policy = key == "kubernetes.podspec-persistent-volume-write"
            ? Policy((key, value), ("kubernetes.podspec-persistent-volume-claim", "enabled"))
            : Policy((key, value));
        var errors = new FieldErrors();
        Service(pod, container).WithDefaults(policy, null, "alice").Validate(policy, null, errors);
        return errors.ToString();
    }

    private static ServingPolicy Policy(params (string Key, string Value)[] flags) =>
        new() { Features = FeaturesConfigMap.Parse(flags.ToDictionary(f => f.Key, f => f.Value)) };

    private static KnService Service(string pod, string container)
    {
        var only = container.Length == 0 ? "" : $"\"containers\":[{Joined("\"image\":\"a/b\"", container)}]";
        var json = """{"metadata":{"name":"hello","namespace":"default"},"spec":{"template":{"spec":POD}}}""";
        return KubeJson.Deserialize<KnService>(Encoding.UTF8.GetBytes(json.Replace("POD", Joined(only, pod), StringComparison.Ordinal)));
    }

    private static string Joined(string first, string fields) =>
        $"{{{string.Join(',', new[] { first, fields[1..^1] }.Where(f => f.Length > 0))}}}";
}
