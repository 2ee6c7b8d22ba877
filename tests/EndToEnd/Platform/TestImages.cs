namespace Knet.Tests.EndToEnd.Platform;

/// <summary>
/// The images the tests run, made on this machine from the samples and from Debian packages, without any registry. Made once and kept
/// below artifacts/, since they do not depend on what is tested.
/// </summary>
internal static class TestImages
{
    /// <summary>The static server of samples/, answering "one" and "two".</summary>
    public const string V1 = "dev.local/static:v1";

    public const string V2 = "dev.local/static:v2";
    public const string Busybox = "dev.local/busybox:latest";
    public const string Nginx = "dev.local/nginx:debian";

    public static string V1Tar => Tar("static-v1");

    public static async Task LoadAsync(KnetPlatform knet)
    {
        Directory.CreateDirectory(Work);
        await ServerAsync("static-v1", V1, "one");
        await ServerAsync("static-v2", V2, "two");
        await BusyboxAsync();
        await NginxAsync();
        foreach (var tar in (string[])["static-v1", "static-v2", "busybox", "nginx"])
        {
            (await knet.KnetAsync("image", "load", Tar(tar))).OrFail();
        }
    }

    private static string Work => Path.Combine(Repository.Root, "artifacts/test-images");

    private static string Tar(string name) => Path.Combine(Work, $"{name}.tar");

    private static async Task ServerAsync(string tar, string image, string answer)
    {
        var source = Path.Combine(Repository.Root, "samples/static-server/server.c");
        if (File.Exists(Tar(tar)) && File.GetLastWriteTimeUtc(Tar(tar)) > File.GetLastWriteTimeUtc(source))
        {
            return;
        }

        var root = Path.Combine(Work, "static");
        Directory.CreateDirectory(root);
        (await Shell.RunAsync("gcc", ["-static", "-O2", "-o", Path.Combine(root, "server"), source])).OrFail();
        await ComposeAsync(tar, image, root, "--entrypoint", "/server", "--env", $"TEXT={answer}", "--user", "65532");
    }

    private static async Task BusyboxAsync()
    {
        if (File.Exists(Tar("busybox")))
        {
            return;
        }

        var root = Path.Combine(Work, "busybox");
        (await Shell.BashAsync($"""
            rm -rf {root}; mkdir -p {root}/bin {root}/tmp {root}/etc
            cp /bin/busybox {root}/bin/busybox
            for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox {root}/bin/$applet; done
            """)).OrFail();
        await ComposeAsync("busybox", Busybox, root, "--entrypoint", "/bin/sh");
    }

    private static async Task NginxAsync()
    {
        if (File.Exists(Tar("nginx")))
        {
            return;
        }

        var root = Path.Combine(Work, "nginx");
        (await Shell.RunAsync(Repository.Daemon, ["debian-rootfs", "--out", root, "nginx-light"])).OrFail();
        await ComposeAsync("nginx", Nginx, root, "--entrypoint", "/usr/sbin/nginx", "--entrypoint", "-g", "--entrypoint", "daemon off;");
    }

    private static async Task ComposeAsync(string tar, string image, string root, params string[] options) =>
        (await Shell.RunAsync(Repository.Daemon, ["compose", "--name", image, "--out", Tar(tar), "--rootfs", root, .. options])).OrFail();
}
