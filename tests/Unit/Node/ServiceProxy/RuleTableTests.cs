using System.Net;
using Knet.Api.Meta;
using Knet.Node.Network;
using Knet.Node.ServiceProxy;
using Xunit;

namespace Knet.Tests.Unit.Node.ServiceProxy;

/// <summary>What changes of the rules when Services change.</summary>
public sealed class RuleTableTests
{
    private static readonly NetworkOptions Options = new();
    private readonly RuleTable _table = new(Options);

    [Fact]
    public void OneOfAThousandServices_ChangesItsOwnRuleOnly()
    {
        for (var i = 0; i < 1000; i++)
        {
            _table.Put(Key($"s{i}"), [Rule($"s{i}", $"10.43.{i / 250}.{i % 250 + 1}", "10.42.0.5")]);
        }

        Assert.Equal(1000, _table.Take().Added.Count);
        _table.Put(Key("s7"), [Rule("s7", "10.43.0.8", "10.42.0.6")]);
        var change = _table.Take();
        Assert.Equal("default/s7:80", Assert.Single(change.Removed).Name);
        Assert.Equal("default/s7:80", Assert.Single(change.Added).Name);
        Assert.Equal([IPAddress.Parse("10.42.0.6")], change.HairpinAdded);
        Assert.Empty(change.HairpinRemoved);
    }

    [Fact]
    public void SameRuleAgain_ChangesNothing()
    {
        _table.Put(Key("web"), [Rule("web", "10.43.0.7", "10.42.0.5")]);
        _table.Take();
        _table.Put(Key("web"), [Rule("web", "10.43.0.7", "10.42.0.5")]);
        var change = _table.Take();
        Assert.Empty(change.Removed);
        Assert.Empty(change.Added);
        Assert.Empty(change.HairpinAdded);
        Assert.Empty(change.HairpinRemoved);
    }

    [Fact]
    public void SharedAddress_BelongsToTheFirstByNameAndIsInherited()
    {
        _table.Put(Key("b"), [Rule("b", "10.43.0.7", "10.42.0.5")]);
        _table.Put(Key("a"), [Rule("a", "10.43.0.7", "10.42.0.6")]);
        Assert.Equal("default/a:80", Assert.Single(_table.Take().Added).Name);
        _table.Put(Key("a"), []);
        var change = _table.Take();
        Assert.Equal("default/a:80", Assert.Single(change.Removed).Name);
        Assert.Equal("default/b:80", Assert.Single(change.Added).Name);
    }

    [Fact]
    public void CameAndWentBetweenTwoPrograms_IsInNone()
    {
        _table.Put(Key("web"), [Rule("web", "10.43.0.7", "10.42.0.5")]);
        _table.Put(Key("web"), []);
        var change = _table.Take();
        Assert.Empty(change.Removed);
        Assert.Empty(change.Added);
        Assert.Empty(change.HairpinAdded);
    }

    [Fact]
    public void AnyChanges_LeadToWhatIsThere()
    {
        var random = new Random(5);
        var (services, inForce) = (new Dictionary<string, ServiceRule>(), new Dictionary<string, ServiceRule>());
        var hairpin = new HashSet<IPAddress>();
        for (var i = 0; i < 2000; i++)
        {
            var name = $"s{random.Next(12)}";
            if (random.Next(4) == 0)
            {
                services.Remove(name);
                _table.Put(Key(name), []);
            }
            else
            {
                services[name] = Rule(name, $"10.43.0.{random.Next(1, 8)}", $"10.42.0.{random.Next(1, 6)}", $"192.0.2.{random.Next(1, 3)}");
                _table.Put(Key(name), [services[name]]);
            }

            if (random.Next(3) != 0)
            {
                continue;
            }

            var change = _table.Take();
            Assert.All(change.Removed, r => Assert.True(inForce.Remove(r.Chain, out var old) && old.Same(r)));
            Assert.All(change.Added, r => Assert.True(inForce.TryAdd(r.Chain, r)));
            Assert.All(change.HairpinRemoved, a => Assert.True(hairpin.Remove(a)));
            Assert.All(change.HairpinAdded, a => Assert.True(hairpin.Add(a)));
            var wanted = services.Values.OrderBy(r => r.Name, StringComparer.Ordinal).DistinctBy(r => r.Chain).ToList();
            Assert.Equal(wanted.Select(r => r.Name), inForce.Values.Select(r => r.Name).Order(StringComparer.Ordinal));
            Assert.All(wanted, r => Assert.True(inForce[r.Chain].Same(r)));
            Assert.Equal(ServiceProgram.Addresses(Options, wanted), hairpin.OrderBy(Ipv4.ToNumber));
        }
    }

    private static ObjectKey Key(string name) => new("default", name);

    private static ServiceRule Rule(string name, string address, params string[] targets) =>
        new(IPAddress.Parse(address), "tcp", 80, 0, false, $"default/{name}:80")
        {
            Targets = [.. targets.Select(t => (IPAddress.Parse(t), 8080))],
        };
}
