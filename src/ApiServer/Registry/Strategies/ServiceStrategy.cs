using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry.Strategies;

/// <summary>Services: addresses, node ports, defaults and rules.</summary>
internal sealed class ServiceStrategy : KindStrategy
{
    private static readonly string[] Types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    private static readonly string[] Protocols = ["TCP", "UDP", "SCTP"];
    private readonly AddressPool _addresses;
    private readonly NumberPool _ports;
    private readonly (int First, int Last) _portRange;

    public ServiceStrategy(ApiServerOptions options, RegistryParts parts)
    {
        _addresses = new AddressPool(options.ServiceRange);
        _portRange = options.NodePorts;
        _ports = new NumberPool(_portRange.First, _portRange.Last);
        foreach (var stored in parts.Store.Snapshot("/services").Range(""))
        {
            foreach (var take in Takings(ObjectBodies.Parse(stored.Document)))
            {
                _ = take.Address is { } address ? _addresses.TryTake(address) : _ports.TryTake(take.Port);
            }
        }
    }

    public override void Default(JsonObject value)
    {
        var spec = value.Ensure("spec");
        spec.Default("type", "ClusterIP");
        spec.Default("sessionAffinity", "None");
        if (spec.Text("sessionAffinity") == "ClientIP")
        {
            spec.Ensure("sessionAffinityConfig").Ensure("clientIP").Default("timeoutSeconds", 10800);
        }

        foreach (var port in spec.Items("ports"))
        {
            port.Default("protocol", "TCP");
            if (port["targetPort"] is null && port["port"] is { } number)
            {
                port["targetPort"] = number.DeepClone();
            }
        }

        if (spec.Text("type") == "ExternalName")
        {
            return;
        }

        spec.Default("internalTrafficPolicy", "Cluster");
        spec.Default("ipFamilies", JsonMembers.ToArray(["IPv4"]));
        spec.Default("ipFamilyPolicy", "SingleStack");
        if (NeedsNodePorts(spec))
        {
            spec.Default("externalTrafficPolicy", "Cluster");
        }

        if (spec.Text("type") == "LoadBalancer")
        {
            spec.Default("allocateLoadBalancerNodePorts", true);
        }
    }

    public override void PrepareCreate(WriteContext write)
    {
        if (write.Object["status"] is null)
        {
            write.Object["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        }
    }

    /// <summary>An update that leaves addresses and node ports out keeps them.</summary>
    public override void PrepareUpdate(WriteContext write)
    {
        var old = write.Old.Object("spec")!;
        var spec = write.Object.Ensure("spec");
        if (spec.Text("type") == "ExternalName" || old.Text("type") == "ExternalName")
        {
            return;
        }

        if (string.IsNullOrEmpty(spec.Text("clusterIP")))
        {
            spec.Take("clusterIP", old);
            spec.Take("clusterIPs", old);
        }

        if (!NeedsNodePorts(spec))
        {
            return;
        }

        foreach (var port in spec.Items("ports").Where(p => p.Number("nodePort") is null or 0))
        {
            port.Take("nodePort", old.Items("ports").FirstOrDefault(p => p.Number("port") == port.Number("port")
                && (p.Text("protocol") ?? "TCP") == (port.Text("protocol") ?? "TCP")));
        }
    }

    public override void Validate(WriteContext write, FieldErrors errors)
    {
        var spec = write.Object.Object("spec");
        var type = spec.Text("type");
        if (!Types.Contains(type))
        {
            errors.NotSupported("spec.type", type, Types);
        }

        if (type == "ExternalName" && spec.Text("externalName") is not { Length: > 0 })
        {
            errors.Required("spec.externalName");
        }

        if (type != "ExternalName" && spec.Text("clusterIP") != "None" && spec.Items("ports").FirstOrDefault() is null)
        {
            errors.Required("spec.ports");
        }

        if (spec.Text("sessionAffinity") is not ("None" or "ClientIP"))
        {
            errors.NotSupported("spec.sessionAffinity", spec?["sessionAffinity"]?.DeepClone(), "ClientIP", "None");
        }

        ValidatePorts(spec, errors);
        if (write.Old.Object("spec") is { } old && old.Text("clusterIP") is { Length: > 0 } address
            && old.Text("type") != "ExternalName" && type != "ExternalName" && spec.Text("clusterIP") != address)
        {
            errors.Invalid("spec.clusterIPs[0]", JsonMembers.ToArray([spec.Text("clusterIP") ?? ""]), "may not change once set");
        }
    }

    public override void Allocate(WriteContext write, FieldErrors errors)
    {
        var before = write.Old is null ? [] : Takings(write.Old).ToHashSet();
        var spec = write.Object.Object("spec")!;
        if (spec.Text("type") == "ExternalName")
        {
            spec.Remove("clusterIP");
            spec.Remove("clusterIPs");
        }
        else
        {
            AllocateAddress(write, spec, before, errors);
        }

        if (NeedsNodePorts(spec) && spec.Flag("allocateLoadBalancerNodePorts") != false)
        {
            AllocatePorts(write, spec, before, errors);
        }
        else if (!NeedsNodePorts(spec))
        {
            spec.Items("ports").ToList().ForEach(p => p.Remove("nodePort"));
        }
    }

    public override Task AfterWriteAsync(WriteContext write, JsonObject value)
    {
        Release((write.Old is null ? [] : Takings(write.Old)).Except(Takings(value)));
        return Task.CompletedTask;
    }

    public override Task AfterRemovalAsync(JsonObject last)
    {
        Release(Takings(last));
        return Task.CompletedTask;
    }

    private static KubeException Full(string what) => KubeException.Of(500, "InternalError", $"Internal error occurred: {what}");

    private static bool NeedsNodePorts(JsonObject spec) => spec.Text("type") is "NodePort" or "LoadBalancer";

    private static IEnumerable<(string? Address, long Port)> Takings(JsonObject service)
    {
        var spec = service.Object("spec");
        if (spec.Text("clusterIP") is { Length: > 0 } address && address != "None")
        {
            yield return (address, 0);
        }

        foreach (var port in spec.Items("ports"))
        {
            if (port.Number("nodePort") is > 0 and var number)
            {
                yield return (null, number);
            }
        }
    }

    private void Release(IEnumerable<(string? Address, long Port)> takings)
    {
        foreach (var (address, port) in takings.ToList())
        {
            if (address is not null)
            {
                _addresses.Release(address);
            }
            else
            {
                _ports.Release(port);
            }
        }
    }

    private void AllocateAddress(WriteContext write, JsonObject spec, HashSet<(string?, long)> before, FieldErrors errors)
    {
        var wanted = spec.Text("clusterIP");
        if (wanted == "None" || (wanted is { Length: > 0 } && before.Contains((wanted, 0))))
        {
            spec["clusterIPs"] = JsonMembers.ToArray([wanted]);
            return;
        }

        if (string.IsNullOrEmpty(wanted))
        {
            wanted = _addresses.TakeAny()
                ?? throw Full($"failed to allocate a serviceIP: range {_addresses.Range} is full");
        }
        else if (!_addresses.Contains(wanted))
        {
            errors.Invalid(
                "spec.clusterIPs", JsonMembers.ToArray([wanted]),
                $"failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid range. "
                + $"The range of valid IPs is {_addresses.Range}");
            return;
        }
        else if (!_addresses.TryTake(wanted))
        {
            errors.Invalid("spec.clusterIPs", JsonMembers.ToArray([wanted]), $"failed to allocate IP {wanted}: provided IP is already allocated");
            return;
        }

        write.OnFailure(() => _addresses.Release(wanted));
        spec["clusterIP"] = wanted;
        spec["clusterIPs"] = JsonMembers.ToArray([wanted]);
    }

    private void AllocatePorts(WriteContext write, JsonObject spec, HashSet<(string?, long)> before, FieldErrors errors)
    {
        var index = 0;
        foreach (var port in spec.Items("ports"))
        {
            var path = $"spec.ports[{index++}].nodePort";
            var wanted = port.Number("nodePort") ?? 0;
            if (wanted != 0 && before.Contains((null, wanted)))
            {
                continue;
            }

            if (wanted == 0)
            {
                wanted = _ports.TakeAny()
                    ?? throw Full("failed to allocate a nodePort: range is full");
            }
            else if (!_ports.Contains(wanted))
            {
                errors.Invalid(
                    path, wanted,
                    $"provided port is not in the valid range. The range of valid ports is {_portRange.First}-{_portRange.Last}");
                continue;
            }
            else if (!_ports.TryTake(wanted))
            {
                errors.Invalid(path, wanted, "provided port is already allocated");
                continue;
            }

            var taken = wanted;
            write.OnFailure(() => _ports.Release(taken));
            port["nodePort"] = taken;
        }
    }

    private static void ValidatePorts(JsonObject? spec, FieldErrors errors)
    {
        var ports = spec.Items("ports").ToList();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var numbers = new HashSet<(long?, string?)>();
        for (var i = 0; i < ports.Count; i++)
        {
            var (port, path) = (ports[i], $"spec.ports[{i}]");
            if (port.Text("name") is not { Length: > 0 } name)
            {
                if (ports.Count > 1)
                {
                    errors.Required(path + ".name");
                }
            }
            else if (!DnsNames.Is1123Label(name))
            {
                errors.Invalid(path + ".name", name, DnsNames.Label1123Message);
            }
            else if (!names.Add(name))
            {
                errors.Duplicate(path + ".name", name);
            }

            if (port.Number("port") is not (>= 1 and <= 65535))
            {
                errors.Invalid(path + ".port", port["port"]?.DeepClone() ?? 0, "must be between 1 and 65535, inclusive");
            }

            PodRules.Port(port["targetPort"], path + ".targetPort", errors);
            if (!Protocols.Contains(port.Text("protocol")))
            {
                errors.NotSupported(path + ".protocol", port["protocol"]?.DeepClone(), Protocols);
            }

            if (!numbers.Add((port.Number("port"), port.Text("protocol"))))
            {
                errors.Duplicate(path, port.DeepClone());
            }
        }
    }
}
