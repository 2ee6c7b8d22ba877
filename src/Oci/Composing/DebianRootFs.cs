using System.Diagnostics;
using System.Text.RegularExpressions;
using Knet.Oci.Layers;
using Knet.Oci.Tar;

namespace Knet.Oci.Composing;

/// <summary>What goes into a root file system made of Debian packages.</summary>
public sealed record DebianRootFsOptions
{
    /// <summary>Packages of the machine's own release; what they depend on comes with them, what they recommend does not.</summary>
    public required IReadOnlyList<string> Packages { get; init; }

    /// <summary>The directory to fill; must be empty or missing.</summary>
    public required string Directory { get; init; }

    /// <summary>Where downloaded packages are kept for the next time.</summary>
    public required string Cache { get; init; }

    /// <summary>Paths (with all below) that are left out. Default: documentation, translations, and glibc's rare character sets.</summary>
    public IReadOnlyList<string> Exclude { get; init; } =
    [
        "usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "usr/share/doc-base",
        "usr/lib/x86_64-linux-gnu/gconv", "lib/x86_64-linux-gnu/gconv", "usr/lib/locale",
    ];

    /// <summary>How long apt-get may take. Default 5 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Makes a root file system from Debian packages: apt-get resolves and downloads as for an empty machine, dpkg-deb unpacks. Maintainer
/// scripts
/// are not run; what servers need of their work (users, directories, nginx's default site) is made here.
/// </summary>
/// <remarks>Needs apt-get with package lists, and dpkg-deb: a Debian or one of its children. Root, so that owners are kept.</remarks>
public static partial class DebianRootFs
{
    // Debian has these as links since release 12; the packages still bring files in both places.
    private static readonly string[] MergedDirectories = ["bin", "sbin", "lib", "lib64"];

    /// <summary>Fills the directory.</summary>
    /// <exception cref="ImageException">A package does not exist, cannot be downloaded, or the directory is not empty.</exception>
    public static async Task BuildAsync(DebianRootFsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Directory.Exists(options.Directory) && Directory.EnumerateFileSystemEntries(options.Directory).Any())
        {
            throw new ImageException($"the directory {options.Directory} for the root file system is not empty");
        }

        foreach (var package in options.Packages)
        {
            if (!PackageName().IsMatch(package))
            {
                throw new ImageException($"\"{package}\" is not a name that a Debian package can have");
            }
        }

        var archives = await DownloadAsync(options, time, cancellationToken);
        Prepare(options.Directory);
        var layerOptions = new LayerOptions { Whiteouts = false, Excluded = path => IsExcluded(path, options.Exclude) };
        foreach (var archive in archives)
        {
            await UnpackAsync(archive, options.Directory, layerOptions, cancellationToken);
        }

        WriteAccounts(options.Directory);
        FinishNginx(options.Directory);
    }

    private static bool IsExcluded(string path, IReadOnlyList<string> excluded) =>
        excluded.Any(e => path == e || path.StartsWith(e + "/", StringComparison.Ordinal));

    private static async Task<IReadOnlyList<string>> DownloadAsync(
        DebianRootFsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var cache = Path.GetFullPath(options.Cache);
        var empty = Path.Combine(cache, $"empty-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path.Combine(empty, "archives", "partial"));
        Directory.CreateDirectory(Path.Combine(cache, "partial"));
        try
        {
            var status = Path.Combine(empty, "status");
            await File.WriteAllBytesAsync(status, [], cancellationToken);
            string[] common =
            [
                "-qq", "-y", "--no-install-recommends", "-o", $"Dir::State::status={status}", "-o", "Debug::NoLocking=1",
                "-o", "APT::Sandbox::User=root", "-o", "APT::Get::AllowUnauthenticated=false",
            ];
            // The list of what is needed comes from a run that believes nothing has been downloaded.
            var uris = await AptAsync(
                [.. common, "-o", $"Dir::Cache::archives={empty}/archives", "--print-uris", "install", "--", .. options.Packages],
                options, time, cancellationToken);
            var names = uris.Split('\n').Select(l => UriLine().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value).ToList();
            if (names.Count == 0)
            {
                throw new ImageException(
                    $"apt-get names no packages for {string.Join(" ", options.Packages)}; run apt-get update and try again");
            }

            if (names.Any(n => !File.Exists(Path.Combine(cache, n))))
            {
                await AptAsync(
                    [.. common, "-o", $"Dir::Cache::archives={cache}", "--download-only", "install", "--", .. options.Packages],
                    options, time, cancellationToken);
            }

            return [.. names.Order(StringComparer.Ordinal).Select(n => Path.Combine(cache, n))];
        }
        finally
        {
            Directory.Delete(empty, recursive: true);
        }
    }

    private static void Prepare(string root)
    {
        Directory.CreateDirectory(root);
        File.SetUnixFileMode(root, (UnixFileMode)0x1ED);    // 0755: it becomes "/"
        foreach (var name in MergedDirectories)
        {
            Directory.CreateDirectory(Path.Combine(root, "usr", name));
            File.CreateSymbolicLink(Path.Combine(root, name), $"usr/{name}");
        }

        foreach (var name in (string[])["etc", "proc", "sys", "dev", "run", "root", "tmp", "var/tmp", "var/log", "var/lib"])
        {
            Directory.CreateDirectory(Path.Combine(root, name));
        }

        File.SetUnixFileMode(Path.Combine(root, "tmp"), (UnixFileMode)0x3FF);       // 1777
        File.SetUnixFileMode(Path.Combine(root, "var/tmp"), (UnixFileMode)0x3FF);
    }

    private static async Task UnpackAsync(string archive, string root, LayerOptions options, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo("dpkg-deb", ["--fsys-tarfile", archive])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await Task.Run(
                () => new LayerExtractor(root, options).Extract(process.StandardOutput.BaseStream, cancellationToken), cancellationToken);
            await process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
            {
                throw new ImageException($"dpkg-deb cannot unpack {archive}: {(await errors).Trim()}");
            }
        }
        catch (TarException e)
        {
            throw new ImageException($"the package {archive} cannot be unpacked: {e.Message}", inner: e);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    // The users that base-passwd gives every Debian and that servers run as.
    private static void WriteAccounts(string root)
    {
        Write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
            + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
        Write("etc/group", "root:x:0:\nadm:x:4:\ntty:x:5:\nwww-data:x:33:\nnogroup:x:65534:\n");
        Write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");

        void Write(string path, string text)
        {
            var full = Path.Combine(root, path);
            if (!File.Exists(full))
            {
                File.WriteAllText(full, text);
            }
        }
    }

    // What its maintainer script does: the default site is enabled and gets a page.
    private static void FinishNginx(string root)
    {
        var site = Path.Combine(root, "etc/nginx/sites-enabled/default");
        if (File.Exists(Path.Combine(root, "etc/nginx/sites-available/default")) && !File.Exists(site))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(site)!);
            File.CreateSymbolicLink(site, "/etc/nginx/sites-available/default");
        }

        var page = Path.Combine(root, "usr/share/nginx/html/index.html");
        if (File.Exists(page))
        {
            Directory.CreateDirectory(Path.Combine(root, "var/www/html"));
            File.Copy(page, Path.Combine(root, "var/www/html/index.html"), overwrite: true);
        }
    }

    private static async Task<string> AptAsync(
        IReadOnlyList<string> arguments, DebianRootFsOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var process = Process.Start(new ProcessStartInfo("apt-get", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C.UTF-8", ["DEBIAN_FRONTEND"] = "noninteractive" },
        })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(both.Token);
            var errors = process.StandardError.ReadToEndAsync(both.Token);
            await process.WaitForExitAsync(both.Token);
            return process.ExitCode == 0
                ? await output
                : throw new ImageException($"apt-get cannot get {string.Join(" ", options.Packages)}: {Sentence(await errors)}");
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ImageException(
                $"apt-get took longer than {options.Timeout.TotalSeconds:0} s for {string.Join(" ", options.Packages)}", inner: e);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static string Sentence(string text) => string.Join("; ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(3));

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?(?:[=/][A-Za-z0-9.+:~-]+)?\z")]
    private static partial Regex PackageName();

    [GeneratedRegex(@"\A'[^']+' ([A-Za-z0-9.+:~%_-]+\.deb) \d+ ")]
    private static partial Regex UriLine();
}
