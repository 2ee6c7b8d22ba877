using System.Text.Json.Nodes;
using CsCheck;
using Knet.Api.Meta;
using Knet.ApiServer.Storage;
using Knet.Kube.Client;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Knet.Tests.Unit.ApiServer.Storage;

public sealed class StoreTests : IDisposable
{
    private const string Table = "/things";
    private readonly string _directory = Directory.CreateTempSubdirectory("knet-store-").FullName;

    private string File => Path.Combine(_directory, "knet.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Writers_WithWatcherFromAList_WatcherEndsWithTheStoresState()
    {
        // (key, delete?, durability) per writer; the watcher starts in the middle.
        var operation = Gen.Select(Gen.Int[0, 5], Gen.Bool, Gen.Int[0, 2]);
        await Gen.Select(operation.List[1, 30], operation.List[1, 30], operation.List[1, 30]).SampleAsync(
            async (a, b, c) =>
            {
                using var store = Open(file: Path.Combine(_directory, Guid.NewGuid().ToString("N")));
                await WriteAllAsync(store, a);
                var (snapshot, watch) = store.WatchFromNow(Table, "");
                await Task.WhenAll(Task.Run(() => WriteAllAsync(store, b)), Task.Run(() => WriteAllAsync(store, c)));
                store.Bookmark(watch);

                var seen = snapshot.Range("").ToDictionary(o => o.Key, o => o.Revision);
                var last = snapshot.Revision;
                while (watch.TryRead(out var change) && change.Type != WatchEventType.Bookmark)
                {
                    Assert.True(change.Revision > last, "revisions must rise");
                    last = change.Revision;
                    Assert.Equal(change.Before?.Revision, seen.TryGetValue(change.Object!.Key, out var before) ? before : null);
                    _ = change.Type == WatchEventType.Deleted ? seen.Remove(change.Object.Key) : (seen[change.Object.Key] = change.Revision) > 0;
                }

                Assert.Equal(store.Snapshot(Table).Range("").ToDictionary(o => o.Key, o => o.Revision), seen);
            },
            iter: 30, threads: 1);
    }

    [Fact]
    public async Task KilledProcess_LosesNothingCommitted()
    {
        await Gen.Select(Gen.Int[0, 7], Gen.Bool, Gen.Int[0, 1]).List[1, 40].SampleAsync(
            async operations =>
            {
                var path = Path.Combine(_directory, Guid.NewGuid().ToString("N"));
                using var store = Open(path);
                await WriteAllAsync(store, operations);
                await store.WriteAsync(Put("last", 0, Durability.Committed));

                // What a killed process leaves: the files as they are now.
                var copy = path + "-copy";
                foreach (var suffix in (string[])["", "-wal"])
                {
                    System.IO.File.Copy(path + suffix, copy + suffix);
                }

                using var reopened = Open(copy);
                Assert.Equal(
                    store.Snapshot(Table).Range("").Select(o => (o.Key, Body(o))), reopened.Snapshot(Table).Range("").Select(o => (o.Key, Body(o))));
                Assert.True(reopened.Revision > store.Revision);
                Assert.Equal("Expired", Assert.Throws<KubeException>(() => reopened.Watch(Table, "", store.Revision)).Reason);
            },
            iter: 20, threads: 1);
    }

    [Fact]
    public async Task Increments_FromManyWriters_AreAllCounted()
    {
        using var store = Open(File);
        await store.WriteAsync(Put("counter", 0, Durability.Committed, 0));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            for (var done = 0; done < 25;)
            {
                var current = store.Find(Table, new ObjectKey("ns", "counter"))!;
                var next = JsonNode.Parse(current.Document.Json.Span)!["n"]!.GetValue<int>() + 1;
                var durability = (Durability)((done + i) % 2);
                var result = await store.WriteAsync(Put("counter", current.Revision, durability, next));
                done += result.Succeeded ? 1 : 0;
            }
        })));
        Assert.Contains("\"n\":100", Body(store.Find(Table, new ObjectKey("ns", "counter"))!));
    }

    [Fact]
    public async Task CleanClose_KeepsRevisionsAndDropsVolatile()
    {
        long revision;
        using (var store = Open(File))
        {
            await store.WriteAsync(Put("durable", 0, Durability.Committed));
            revision = (await store.WriteAsync(Put("behind", 0, Durability.Behind))).Object!.Revision;
            await store.WriteAsync(Put("gone", 0, Durability.Volatile));
        }

        using var reopened = Open(File);
        Assert.Equal(["behind", "durable"], reopened.Snapshot(Table).Range("").Select(o => o.Key.Name));
        Assert.Equal(revision, reopened.Find(Table, new ObjectKey("ns", "behind"))!.Revision);
    }

    [Fact]
    public async Task UsedUpBlocks_NeverRepeatARevision()
    {
        var options = new StoreOptions { File = File, RevisionBlock = 4 };
        var seen = new HashSet<long>();
        for (var run = 0; run < 3; run++)
        {
            using var store = new Store(options, TimeProvider.System, NullLogger<Store>.Instance);
            for (var i = 0; i < 20; i++)
            {
                var result = await store.WriteAsync(Put($"{run}-{i}", 0, (Durability)(i % 3)));
                Assert.True(seen.Add(result.Object!.Revision));
            }
        }
    }

    [Fact]
    public void Watch_OlderThanTheHistory_IsExpired()
    {
        using var store = new Store(new StoreOptions { HistoryEvents = 4 }, TimeProvider.System, NullLogger<Store>.Instance);
        for (var i = 0; i < 10; i++)
        {
            Assert.True(store.WriteAsync(Put($"o{i}", 0, Durability.Volatile)).IsCompletedSuccessfully);
        }

        using var known = store.Watch(Table, "", 6);
        Assert.Equal(410, Assert.Throws<KubeException>(() => store.Watch(Table, "", 5)).Code);
        Assert.True(known.TryRead(out var first));
        Assert.Equal(7, first.Revision);
    }

    [Fact]
    public async Task SlowWatcher_IsDroppedWithExpired()
    {
        using var store = new Store(new StoreOptions { WatchBacklog = 3 }, TimeProvider.System, NullLogger<Store>.Instance);
        using var watch = store.Watch(Table, "", 0);
        for (var i = 0; i < 5; i++)
        {
            await store.WriteAsync(Put($"o{i}", 0, Durability.Volatile));
        }

        while (watch.TryRead(out _))
        {
        }

        var refusal = await Assert.ThrowsAsync<KubeException>(() => watch.WaitAsync(CancellationToken.None).AsTask());
        Assert.True(refusal.IsExpired);
    }

    [Fact]
    public void NewerDataFormat_IsRefusedWithItsNumbers()
    {
        Open(File).Dispose();
        using (var connection = new SqliteConnection($"Data Source={File};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "UPDATE meta SET value='99' WHERE key='format'";
            command.ExecuteNonQuery();
        }

        Assert.Contains("data format 99", Assert.Throws<DataFormatException>(() => Open(File)).Message);
    }

    [Fact]
    public async Task FullKind_RefusesCreationsOnly()
    {
        using var store = new Store(new StoreOptions { ObjectsMax = 2 }, TimeProvider.System, NullLogger<Store>.Instance);
        var first = (await store.WriteAsync(Put("a", 0, Durability.Volatile))).Object!;
        await store.WriteAsync(Put("b", 0, Durability.Volatile));

        var refusal = await Assert.ThrowsAsync<KubeException>(async () => await store.WriteAsync(Put("c", 0, Durability.Volatile)));
        Assert.Equal(507, refusal.Code);
        Assert.Contains("(things)", refusal.Message);
        first = (await store.WriteAsync(Put("a", first.Revision, Durability.Volatile))).Object!;
        await store.WriteAsync(Put("a", first.Revision, Durability.Volatile) with { Body = null });
        Assert.True((await store.WriteAsync(Put("c", 0, Durability.Volatile))).Succeeded);
    }

    [Fact]
    public void LargeObject_IsRefusedWithBothSizes()
    {
        using var store = new Store(new StoreOptions { ObjectBytesMax = 40 }, TimeProvider.System, NullLogger<Store>.Instance);
        var refusal = Assert.Throws<KubeException>(() => store.CheckSize(Put("a", 0, Durability.Volatile).Body!));
        Assert.Equal((413, "RequestEntityTooLarge"), (refusal.Code, refusal.Reason));
        Assert.EndsWith("limit is 40", refusal.Message);
    }

    [Fact]
    public async Task SupersededVersions_LetGoOfTheirDecodedForm()
    {
        using var store = new Store(new StoreOptions(), TimeProvider.System, NullLogger<Store>.Instance);
        var first = (await store.WriteAsync(Put("counted", 0, Durability.Volatile))).Object!;
        var decoded = first.Document.As<k8s.Models.V1ConfigMap>();
        var last = first;
        for (var i = 0; i < 80; i++)
        {
            Assert.Same(i < 60 ? decoded : first.Document.As<k8s.Models.V1ConfigMap>(), first.Document.As<k8s.Models.V1ConfigMap>());
            last = (await store.WriteAsync(Put("counted", last.Revision, Durability.Volatile))).Object!;
        }

        Assert.NotSame(decoded, first.Document.As<k8s.Models.V1ConfigMap>());
        Assert.Same(last.Document.As<k8s.Models.V1ConfigMap>(), store.Find(Table, last.Key)!.Document.As<k8s.Models.V1ConfigMap>());
    }

    private static Store Open(string file) => new(new StoreOptions { File = file }, TimeProvider.System, NullLogger<Store>.Instance);

    private static string Body(StoredObject stored) =>
        System.Text.RegularExpressions.Regex.Replace(
            System.Text.Encoding.UTF8.GetString(stored.Document.Json.Span), "\"resourceVersion\":\"\\d+\"", "");

    private static async Task WriteAllAsync(Store store, List<(int Key, bool Delete, int Durability)> operations)
    {
        foreach (var (number, delete, durability) in operations)
        {
            var name = $"o{number}";
            var current = store.Find(Table, new ObjectKey("ns", name));
            var write = Put(name, current?.Revision ?? 0, (Durability)durability, durability);
            await store.WriteAsync(delete ? write with { Body = null } : write);
        }
    }

    private static StoreWrite Put(string name, long expected, Durability durability, int n = 0) => new(
        Table, new ObjectKey("ns", name),
        EncodedObject.From(new JsonObject { ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "ns" }, ["n"] = n }),
        expected, durability);
}
