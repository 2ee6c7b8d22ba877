using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>Pods of several containers, as a kubelet runs them.</summary>
[Collection(SharedPlatform.Name)]
public sealed class PodTests(KnetPlatform knet)
{
    [Fact]
    public async Task ContainersOfAPod_ShareProcessesAndMemory()
    {
        var pod = $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: together}
            spec:
              shareProcessNamespace: true
              terminationGracePeriodSeconds: 0
              containers:
              - {name: a, image: "{{TestImages.Busybox}}", imagePullPolicy: Never, command: [sh, -c, "echo word > /dev/shm/x; exec sleep 7654"]}
              - {name: b, image: "{{TestImages.Busybox}}", imagePullPolicy: Never, command: [sleep, "10000"]}
            """;
        (await knet.ApplyAsync(pod)).OrFail();
        await knet.WaitReadyAsync("pod/together");
        var seen = (await knet.KubectlAsync("exec", "together", "-c", "b", "--", "sh", "-c", "cat /dev/shm/x; ps")).OrFail().Output;
        Assert.StartsWith("word", seen, StringComparison.Ordinal);
        Assert.Contains("sleep 7654", seen, StringComparison.Ordinal);
        (await knet.KubectlAsync("delete", "pod", "together", "--wait=false")).OrFail();
    }

    /// <summary>The first sidecar, stopped last, reads what the second wrote when it was stopped.</summary>
    [Fact]
    public async Task Sidecars_StartFirst_AndEndLastInReverse()
    {
        static string Sidecar(string name, string last) => $$"""
            - {name: {{name}}, image: "{{TestImages.Busybox}}", imagePullPolicy: Never, restartPolicy: Always,
                 volumeMounts: [{name: v, mountPath: /v}],
                 command: [sh, -c, "trap '{{last}}; exit 0' TERM; echo {{name}} started >> /v/f; while true; do sleep 0.1; done"]}
            """;
        var pod = $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: escorted}
            spec:
              restartPolicy: Never
              initContainers:
              {{Sidecar("first", "cat /v/f")}}
              {{Sidecar("second", "echo second ended >> /v/f")}}
              containers:
              - {name: main, image: "{{TestImages.Busybox}}", imagePullPolicy: Never, volumeMounts: [{name: v, mountPath: /v}],
                 command: [sh, -c, "until grep -q second /v/f; do sleep 0.1; done"]}
              volumes: [{name: v, emptyDir: {} }]
            """;
        (await knet.ApplyAsync(pod)).OrFail();
        (await knet.KubectlAsync("wait", "pod/escorted", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")).OrFail();
        var log = (await knet.KubectlAsync("logs", "escorted", "-c", "first")).OrFail().Output;
        Assert.Contains("second ended", log, StringComparison.Ordinal);
        (await knet.KubectlAsync("delete", "pod", "escorted", "--wait=false")).OrFail();
    }
}
