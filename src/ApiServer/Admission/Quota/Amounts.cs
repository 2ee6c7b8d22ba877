using k8s.Models;
using Knet.Api.Meta;

namespace Knet.ApiServer.Admission.Quota;

/// <summary>Amounts by resource name, as quotas count them: each with the notation (1024s or 1000s) of the first that was added.</summary>
internal sealed class Amounts
{
    private readonly SortedDictionary<string, (decimal Value, bool Binary)> _values = new(StringComparer.Ordinal);

    public IEnumerable<string> Names => _values.Keys;

    public decimal this[string name] => _values.GetValueOrDefault(name).Value;

    /// <summary>Of a list of quantities in an object; malformed ones, which validation refuses, count nothing.</summary>
    public static Amounts Of(IDictionary<string, ResourceQuantity>? quantities)
    {
        var amounts = new Amounts();
        foreach (var (name, quantity) in quantities ?? new Dictionary<string, ResourceQuantity>())
        {
            amounts.Add(name, quantity.ToDecimal(), IsBinary(quantity));
        }

        return amounts;
    }

    public static bool IsBinary(ResourceQuantity quantity) => quantity.Format == ResourceQuantity.SuffixFormat.BinarySI;

    public void Add(string name, decimal value, bool binary = false)
    {
        var before = _values.GetValueOrDefault(name);
        _values[name] = (before.Value + value, before.Value == 0 ? binary : before.Binary);
    }

    public void Add(Amounts others)
    {
        foreach (var (name, (value, binary)) in others._values)
        {
            Add(name, value, binary);
        }
    }

    /// <summary>What these are more than others; nothing for those that are not.</summary>
    public Amounts Above(Amounts others)
    {
        var more = new Amounts();
        foreach (var (name, (value, binary)) in _values.Where(v => v.Value.Value > others[v.Key]))
        {
            more.Add(name, value - others[name], binary);
        }

        return more;
    }

    public bool Same(Amounts others) => Names.Union(others.Names).All(name => this[name] == others[name]);

    /// <summary>The amount in Kubernetes' canonical notation, such as <c>1500m</c> or <c>2Gi</c>.</summary>
    public string Text(string name)
    {
        var (value, binary) = _values.GetValueOrDefault(name);
        return Format(value, binary);
    }

    /// <summary><c>cpu=100m,memory=1Gi</c></summary>
    public string Text(IEnumerable<string> names) =>
        string.Join(",", names.Order(StringComparer.Ordinal).Select(name => $"{name}={Text(name)}"));

    internal static string Format(decimal value, bool binary)
    {
        // As in Kubernetes, what is smaller than 1Ki is written in the plain way.
        var format = binary && Math.Abs(value) >= 1024 ? ResourceQuantity.SuffixFormat.BinarySI : ResourceQuantity.SuffixFormat.DecimalSI;
        return new ResourceQuantity(value, 0, format).ToString();
    }
}
