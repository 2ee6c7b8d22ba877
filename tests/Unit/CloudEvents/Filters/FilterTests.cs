using CsCheck;
using Knet.CloudEvents;
using Knet.CloudEvents.Filters;
using Xunit;

namespace Knet.Tests.Unit.CloudEvents.Filters;

public sealed class FilterTests
{
    private static readonly CloudEvent Event = CloudEvent.Create("i1", "/shop", "order.placed").WithAll(
        new("region", "eu"), new("count", "7", AttributeKind.Integer));

    private static readonly FilterSpec Passes = Exact(("type", "order.placed"));
    private static readonly FilterSpec Fails = Exact(("type", "x"));
    private static readonly FilterSpec SaysNothing = new() { Exact = new Dictionary<string, string>() };

    [Theory]
    [InlineData("type", "order.placed", true)]
    [InlineData("type", "Order.placed", false)]
    [InlineData("type", "", true)]
    [InlineData("region", "", true)]
    [InlineData("nothere", "", false)]
    [InlineData("subject", "", false)]
    [InlineData("subject", "x", false)]
    [InlineData("time", "0001-01-01T00:00:00Z", true)]
    [InlineData("count", "7", false)]
    [InlineData("count", "", true)]
    public void LegacyAttributes(string name, string value, bool passes)
    {
        var filter = FilterCompiler.Compile(null, new Dictionary<string, string> { [name] = value });
        Assert.Equal(passes ? FilterResult.Pass : FilterResult.Fail, filter.Match(Event));
        Assert.Equal(passes, filter.Explain(Event) == "passes");
    }

    [Fact]
    public void Dialects()
    {
        Assert.Equal(FilterResult.Pass, Match(Exact(("type", "order.placed"), ("count", "7"))));
        Assert.Equal(FilterResult.Fail, Match(Exact(("type", "order.placed"), ("nothere", "7"))));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { Prefix = Map(("type", "order.")) }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Prefix = Map(("type", "placed")) }));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { Suffix = Map(("type", ".placed"), ("region", "u")) }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Suffix = Map(("type", "order")) }));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { Cesql = "count > 6" }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Cesql = "nothere = 'a'" }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Cesql = "count" }));
    }

    [Fact]
    public void Combinations()
    {
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { All = [Passes, Fails] }));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { All = [SaysNothing, Passes] }));
        Assert.Equal(FilterResult.No, Match(new FilterSpec { All = [] }));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { Any = [Fails, Passes] }));
        Assert.Equal(FilterResult.No, Match(new FilterSpec { Any = [Fails, SaysNothing] }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Any = [SaysNothing, Fails] }));
        Assert.Equal(FilterResult.Fail, Match(new FilterSpec { Not = Passes }));
        Assert.Equal(FilterResult.Pass, Match(new FilterSpec { Not = Fails }));
        Assert.Equal(FilterResult.No, Match(new FilterSpec { Not = SaysNothing }));
        Assert.Equal(FilterResult.Fail, Match(Passes, Fails));
    }

    [Fact]
    public void InvalidEntries_AreToldAndHoldNothingBack()
    {
        var told = new List<string>();
        var filter = FilterCompiler.Compile(
            [new() { Cesql = "1 IN ()" }, Exact(("type", "")), new() { Any = [new() { Prefix = Map(("", "x")) }] }], null, told.Add);
        Assert.NotEqual(FilterResult.Fail, filter.Match(Event));
        Assert.Equal(3, told.Count);
        Assert.StartsWith("filters[0].cesql: ", told[0], StringComparison.Ordinal);
        Assert.StartsWith("filters[1].exact[type]: ", told[1], StringComparison.Ordinal);
        Assert.StartsWith("filters[2].any[0].prefix[]: ", told[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Filters_ReplaceTheLegacyFilter() =>
        Assert.Equal(FilterResult.Pass, FilterCompiler.Compile([Passes], new Dictionary<string, string> { ["type"] = "x" }).Match(Event));

    [Fact]
    public void Explanations_NameThePartAndTheValue()
    {
        Assert.Equal("region must begin with \"us\", it is \"eu\"", Explain(new FilterSpec { Prefix = Map(("region", "us")) }));
        Assert.Equal("nothere must equal \"1\", the event has none", Explain(new FilterSpec { All = [Passes, Exact(("nothere", "1"))] }));
        Assert.Equal("nothere = 1: MissingAttribute: the event has no attribute nothere", Explain(new FilterSpec { Cesql = "nothere = 1" }));
    }

    [Fact]
    public void Index_FindsWhatEachFilterAloneFinds()
    {
        var spec = Gen.Recursive<FilterSpec>((depth, self) => depth > 2 ? Leaf : Gen.OneOf(
            Leaf, self.Array[0, 3].Select(a => new FilterSpec { All = a }), self.Array[0, 3].Select(a => new FilterSpec { Any = a }),
            self.Select(f => new FilterSpec { Not = f })));
        var events = from type in Value
                     from source in Value
                     from region in Value
                     select CloudEvent.Create("1", source, type).With("region", region);
        Gen.Select(Gen.OneOf(spec.Array[1, 2].Select(f => FilterCompiler.Compile(f, null)), Legacy).Array[0, 12], events).Sample((filters, e) =>
        {
            var found = new List<int>();
            new FilterIndex<int>(filters.Select((f, i) => (i, f))).Match(e, found);
            Assert.Equal(filters.Select((f, i) => (f, i)).Where(x => x.f.Match(e) != FilterResult.Fail).Select(x => x.i), found.Order());
        });
    }

    private static readonly Gen<string> Value = One("a", "b", "ab");

    private static readonly Gen<Dictionary<string, string>> Entries =
        Gen.Dictionary(One("type", "source", "region", "subject"), Value)[0, 2];

    private static readonly Gen<FilterSpec> Leaf = Gen.OneOf(
        Entries.Select(m => new FilterSpec { Exact = m }), Entries.Select(m => new FilterSpec { Prefix = m }),
        Entries.Select(m => new FilterSpec { Suffix = m }), Value.Select(v => new FilterSpec { Cesql = $"type = '{v}'" }));

    private static readonly Gen<EventFilter> Legacy = Entries.Select(m => FilterCompiler.Compile(null, m));

    private static Gen<string> One(params string[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static FilterResult Match(params FilterSpec[] specs) => FilterCompiler.Compile(specs, null).Match(Event);

    private static string Explain(FilterSpec spec) => FilterCompiler.Compile([spec], null).Explain(Event);

    private static FilterSpec Exact(params (string, string)[] entries) => new() { Exact = Map(entries) };

    private static Dictionary<string, string> Map(params (string Name, string Value)[] entries) => entries.ToDictionary(e => e.Name, e => e.Value);
}
