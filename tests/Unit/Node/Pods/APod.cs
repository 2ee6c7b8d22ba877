using System.Text;
using k8s.Models;
using Knet.Api.Meta;
using Knet.Node.Pods;
using Knet.Node.Runtime;
using Knet.Oci;

namespace Knet.Tests.Unit.Node.Pods;

/// <summary>Pods and containers for tests, from the JSON that matters.</summary>
internal static class APod
{
    public static V1Pod With(string spec, string metadata = "{}")
    {
        var pod = KubeJson.Deserialize<V1Pod>(Encoding.UTF8.GetBytes($$"""{"metadata":{{metadata}},"spec":{{spec}}}"""));
        pod.Metadata.Name ??= "web";
        pod.Metadata.NamespaceProperty ??= "shop";
        pod.Metadata.Uid ??= "u1";
        return pod;
    }

    public static V1Pod WithContainer(string container, string more = "") =>
        With($$"""{"containers":[{{container}}]{{more}}}""");

    public static ContainerInputs Inputs(V1Pod pod, ImageConfig? image = null) => new()
    {
        Id = "c1",
        Pod = pod,
        Container = pod.Spec.Containers[0],
        Hostname = PodFiles.Hostname(pod, "cluster.local"),
        Image = image ?? new ImageConfig { Entrypoint = ["/entry"], Cmd = ["serve"] },
        Env = new Dictionary<string, string> { ["A"] = "1" },
        Passwd = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
        Group = "root:x:0:\nstaff:x:50:app\n",
        RootPath = "/root-fs",
        CgroupsPath = "/knet/podu1/c1",
        NetnsPath = "/run/netns/n1",
        Rights = new HostRights(ulong.MaxValue, 1000, -1000),
        NodeMemoryBytes = 1000,
    };
}
