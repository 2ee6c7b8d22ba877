using System.Globalization;
using System.Net;

namespace Knet.Daemon.Startup;

/// <summary>How the daemon is started. Every member is an argument <c>--name value</c>; defaults in parentheses.</summary>
internal sealed record DaemonOptions
{
    /// <summary>Data that lasts (<c>/var/lib/knet</c>).</summary>
    public string Home { get; init; } = "/var/lib/knet";

    /// <summary>Sockets, mounts and bundles, gone with the machine (<c>/run/knet</c>).</summary>
    public string Run { get; init; } = "/run/knet";

    /// <summary>Whether pods may reach the outside (<c>on</c>).</summary>
    public bool Egress { get; init; } = true;

    /// <summary>Whether acknowledged writes survive a loss of power (<c>full</c>) or a crash of the daemon only (<c>normal</c>).</summary>
    public bool FullDurability { get; init; }

    /// <summary>Pods' addresses (<c>10.42.0.0/16</c>); the first one is the bridge's.</summary>
    public IPNetwork PodRange { get; init; } = IPNetwork.Parse("10.42.0.0/16");

    /// <summary>Services' addresses (<c>10.43.0.0/16</c>); the first one is the API's.</summary>
    public IPNetwork ServiceRange { get; init; } = IPNetwork.Parse("10.43.0.0/16");

    /// <summary>The API's port on loopback and on the bridge (6443).</summary>
    public int ApiPort { get; init; } = 6443;

    /// <summary>The gateway's port; 0 takes 80 or the next free of 8080…8099, and keeps the choice (0).</summary>
    public int GatewayPort { get; init; }

    /// <summary>The gateway's port for https; 0 takes 443 or the next free of 8443…8462, and keeps the choice (0).</summary>
    public int GatewayTlsPort { get; init; }

    /// <summary>The node's name (the machine's host name).</summary>
    public string NodeName { get; init; } = Dns.GetHostName().ToLowerInvariant();

    /// <summary>Whether pods may have volumes of type hostPath, which give them the machine (<c>off</c>).</summary>
    public bool AllowHostPath { get; init; }

    /// <summary>Whether containers may be privileged (<c>off</c>).</summary>
    public bool AllowPrivileged { get; init; }

    public bool Foreground { get; init; }

    /// <summary>
    /// Sets this platform's bridge, interfaces, nftables and control group apart from those of others on the machine: up to three letters
    /// or digits (empty). Others need ranges, ports and directories of their own, too.
    /// </summary>
    public string Instance { get; init; } = "";

    /// <summary>What the platform bears; given several times, once per limit.</summary>
    public Limits Limits { get; init; } = new();

    /// <summary>The bridge's own address: gateway of the pods, where DNS, API and the internal gateway listen for them.</summary>
    public IPAddress BridgeAddress => At(PodRange, 1);

    /// <summary>The address of the Service <c>default/kubernetes</c>.</summary>
    public IPAddress ApiServiceAddress => At(ServiceRange, 1);

    public string Kubeconfig => Path.Combine(Home, "kubeconfig");

    /// <exception cref="FormatException">An argument is unknown or its value cannot be used; the message names it.</exception>
    public static DaemonOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new DaemonOptions();
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            if (name == "--foreground")
            {
                options = options with { Foreground = true };
                continue;
            }

            var value = ++i < arguments.Count ? arguments[i] : throw new FormatException($"{name} needs a value");
            options = name switch
            {
                "--home" => options with { Home = Path.GetFullPath(value) },
                "--run" => options with { Run = Path.GetFullPath(value) },
                "--egress" => options with { Egress = OneOf(name, value, "on", "off") },
                "--durability" => options with { FullDurability = OneOf(name, value, "full", "normal") },
                "--pod-range" => options with { PodRange = Range(name, value) },
                "--service-range" => options with { ServiceRange = Range(name, value) },
                "--api-port" => options with { ApiPort = Port(name, value) },
                "--gateway-port" => options with { GatewayPort = Port(name, value) },
                "--gateway-tls-port" => options with { GatewayTlsPort = Port(name, value) },
                "--node-name" => options with { NodeName = value },
                "--limit" => options with { Limits = options.Limits.With(value) },
                "--instance" => options with { Instance = Short(name, value) },
                "--allow-host-path" => options with { AllowHostPath = OneOf(name, value, "on", "off") },
                "--allow-privileged" => options with { AllowPrivileged = OneOf(name, value, "on", "off") },
                _ => throw new FormatException($"unknown argument {name}"),
            };
        }

        return options;
    }

    private static bool OneOf(string name, string value, string yes, string no) =>
        value == yes || (value == no ? false : throw new FormatException($"{name} must be {yes} or {no}, not \"{value}\""));

    private static string Short(string name, string value) =>
        value.Length <= 3 && value.All(char.IsAsciiLetterOrDigit)
            ? value.ToLowerInvariant()
            : throw new FormatException($"{name} must be up to three letters or digits, not \"{value}\"");

    private static IPNetwork Range(string name, string value) =>
        IPNetwork.TryParse(value, out var range) && range.PrefixLength is >= 12 and <= 24
            ? range
            : throw new FormatException($"{name} must be an IPv4 range of /12 to /24 such as 10.42.0.0/16, not \"{value}\"");

    private static int Port(string name, string value) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            ? port
            : throw new FormatException($"{name} must be a port (1..65535), not \"{value}\"");

    private static IPAddress At(IPNetwork range, byte last)
    {
        var bytes = range.BaseAddress.GetAddressBytes();
        bytes[3] += last;
        return new IPAddress(bytes);
    }
}
