using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging.Abstractions;

namespace Knet.Tests.Unit.ApiServer.Storage.History;

/// <summary>
/// A store from its opening to its end, under clients that write, read, list and watch at once; and all that they saw. Objects carry a
/// number that no other write carries.
/// </summary>
internal sealed class Life : IDisposable
{
    public const string Table = "/things";
    public static readonly string[] Namespaces = ["a", "b"];
    private static readonly string[] Keys = ["a/x", "a/y", "b/x"];
    private readonly Workload _workload;
    private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Life(Workload workload, string file, StoreOptions options)
    {
        _workload = workload;
        Options = options with { File = file };
        Store = new Store(Options, TimeProvider.System, NullLogger<Store>.Instance);
        First = Store.Revision;
        foreach (var stored in Store.Snapshot(Table).Range(""))
        {
            Initial[Name(stored.Key)] = new Seen(stored.Revision, Number(stored));
        }
    }

    public Store Store { get; }
    public StoreOptions Options { get; }

    /// <summary>The revision at which it began.</summary>
    public long First { get; }

    public Dictionary<string, Seen> Initial { get; } = [];
    public ConcurrentQueue<Operation> Operations { get; } = [];
    public ConcurrentQueue<(long Revision, Dictionary<string, Seen> Objects)> Lists { get; } = [];
    public ConcurrentQueue<WatchLog> Watches { get; } = [];

    /// <summary>Calls to flush: when called, when answered.</summary>
    public ConcurrentQueue<(long Invoked, long Returned)> Flushes { get; } = [];

    public static string Name(ObjectKey key) => $"{key.Namespace}/{key.Name}";

    public static int Number(StoredObject stored) => JsonNode.Parse(stored.Document.Json.Span)!["n"]!.GetValue<int>();

    /// <summary>Runs all clients to their end; <paramref name="midway"/> is called while they run, and cuts nobody off.</summary>
    public async Task RunAsync(int seed, int calls, Action midway)
    {
        var clients = Enumerable.Range(0, 4).Select(i => Task.Run(() => WriteAsync(new Random(seed + i), calls))).ToList();
        var readers = Enumerable.Range(4, 2).Select(i => Task.Run(() => ReadAsync(new Random(seed + i)))).ToList();
        await Task.WhenAny(clients);
        midway();
        await Task.WhenAll(clients);
        _written.SetResult();
        await Task.WhenAll(readers);
    }

    public void Dispose() => Store.Dispose();

    private async Task WriteAsync(Random random, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            var key = Keys[random.Next(Keys.Length)];
            var known = Find(key);
            var expected = random.Next(8) == 0 ? random.Next(2) * (known.Revision + 1) : known.Revision;
            var value = random.Next(4) == 0 ? 0 : _workload.NextNumber();
            await SwapAsync(new Operation(key, Act.Swap, expected, value, (Durability)random.Next(3), _workload.Tick()));
            if (random.Next(16) == 0)
            {
                var invoked = _workload.Tick();
                await Store.FlushAsync();
                Flushes.Enqueue((invoked, _workload.Tick()));
            }
        }
    }

    private async Task SwapAsync(Operation call)
    {
        var parts = call.Key.Split('/');
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = parts[1], ["namespace"] = parts[0] }, ["n"] = call.Value,
        };
        var result = await Store.WriteAsync(new StoreWrite(
            Table, new ObjectKey(parts[0], parts[1]), call.Value == 0 ? null : EncodedObject.From(body), call.Expected, call.Durability));
        Operations.Enqueue(call with { Returned = _workload.Tick(), Succeeded = result.Succeeded, Result = SeenOf(result.Object) });
    }

    private Seen Find(string key)
    {
        var parts = key.Split('/');
        var call = new Operation(key, Act.Read, 0, 0, default, _workload.Tick());
        var seen = SeenOf(Store.Find(Table, new ObjectKey(parts[0], parts[1])));
        Operations.Enqueue(call with { Returned = _workload.Tick(), Succeeded = true, Result = seen });
        return seen;
    }

    private async Task ReadAsync(Random random)
    {
        var known = First;
        var watches = new List<WatchLog>();
        for (var round = 0; round < 30 && !_written.Task.IsCompleted; round++)
        {
            var snapshot = random.Next(3) == 0 ? Store.SnapshotAt(Table, known) : Store.Snapshot(Table);
            if (snapshot is not null)
            {
                Lists.Enqueue((snapshot.Revision, snapshot.Range("").ToDictionary(o => Name(o.Key), SeenOf)));
                known = random.Next(2) == 0 ? snapshot.Revision : known;
                Store.Keep(Table, snapshot);
            }

            if (watches.Count < 20)
            {
                var after = random.Next(4) == 0 ? First - random.Next(3) : known;
                watches.Add(new WatchLog(Store, after, random.Next(3) == 0 ? "" : Namespaces[random.Next(2)]));
            }

            for (var i = 0; i < 8 && !_written.Task.IsCompleted; i++)
            {
                watches[random.Next(watches.Count)].Read();
                Find(Keys[random.Next(Keys.Length)]);
                await Task.Yield();
            }
        }

        await _written.Task;
        foreach (var watch in watches)
        {
            watch.Finish();
            Watches.Enqueue(watch);
        }
    }

    private static Seen SeenOf(StoredObject? stored) => stored is null ? default : new Seen(stored.Revision, Number(stored));
}
