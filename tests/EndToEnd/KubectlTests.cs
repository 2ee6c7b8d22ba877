using Knet.Tests.EndToEnd.Platform;
using Xunit;

namespace Knet.Tests.EndToEnd;

/// <summary>kubectl's streams to a pod: port-forward, exec, attach and cp, as a user types them.</summary>
[Collection(SharedPlatform.Name)]
public sealed class KubectlTests(KnetPlatform knet)
{
    [Fact]
    public async Task StreamsToAPod_CarryBytesAndExitCodes()
    {
        const string Command = "echo hello > /tmp/index.html; exec busybox httpd -f -p 127.0.0.1:8080 -h /tmp";
        (await knet.ApplyAsync(Manifests.Pod("streams", Command))).OrFail();
        await knet.WaitReadyAsync("pod/streams");

        var forwarded = await knet.BashAsync("""
            coproc kubectl port-forward pod/streams :8080
            read -r line <&"${COPROC[0]}"
            port=${line##*127.0.0.1:}; port=${port%% *}
            for i in 1 2 3; do curl -sS -m 10 "http://127.0.0.1:$port/"; done
            kill "$COPROC_PID"
            """);
        Assert.Equal("hello\nhello\nhello\n", forwarded.Output);

        var code = await knet.BashAsync("echo input | kubectl exec -i streams -- sh -c 'cat; exit 7'");
        Assert.Equal((7, "input\n"), (code.ExitCode, code.Output));

        var copied = await knet.BashAsync("""
            set -e; d=$(mktemp -d); head -c 300000 /dev/urandom > $d/a
            kubectl cp $d/a streams:/tmp/a; kubectl cp streams:/tmp/a $d/b >/dev/null; cmp $d/a $d/b && echo same; rm -r $d
            """);
        Assert.Equal("same\n", copied.Output);

        // Input ends with the one who attached (stdinOnce), and so does the program.
        var attached = await knet.BashAsync(
            $"echo input | kubectl run once -i --rm --quiet --image={TestImages.Busybox} --restart=Never --command -- sh -c 'cat; exit 3'");
        Assert.Equal((3, "input\n"), (attached.ExitCode, attached.Output));
        (await knet.KubectlAsync("delete", "pod", "streams", "--grace-period=0", "--force")).OrFail();
    }
}
