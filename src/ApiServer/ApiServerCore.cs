using Knet.ApiServer.Admission;
using Knet.ApiServer.Metrics;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Owners;
using Knet.ApiServer.Registry.Strategies;
using Knet.ApiServer.Storage;
using Knet.Kube.Admission;
using Knet.Kube.Client;
using Microsoft.Extensions.Logging;

namespace Knet.ApiServer;

/// <summary>
/// The API server without its HTTP front: opens the data, makes the objects every cluster has, and serves the registry until disposed.
/// </summary>
public sealed class ApiServerCore : IAsyncDisposable
{
    private readonly OwnerCollector _owners;
    private readonly RegistryParts _parts;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _bootstrap;

    private ApiServerCore(ApiServerOptions options, RegistryParts parts, Registry.Registry registry, OwnerCollector owners)
    {
        _parts = parts;
        Store = parts.Store;
        Registry = registry;
        _owners = owners;
        _bootstrap = Bootstrap.KeepAsync(
            options, new InProcessTransport(registry, System), options.Loggers.CreateLogger(typeof(Bootstrap).FullName!), _stop.Token);
    }

    /// <summary>The API's own identity, to which everything is allowed.</summary>
    public static KubeUser System { get; } = new("system:apiserver", ["system:masters", "system:authenticated"]);

    public IRegistry Registry { get; }

    /// <summary>The store below; for flushing and measuring.</summary>
    public Store Store { get; }

    /// <summary>Opens the data and starts serving.</summary>
    /// <exception cref="DataFormatException">The data was written by a newer version.</exception>
    public static async Task<ApiServerCore> StartAsync(ApiServerOptions options, CancellationToken cancellationToken)
    {
        var store = new Store(StoreOptionsOf(options), options.Time, options.Loggers.CreateLogger<Store>());
        try
        {
            var parts = new RegistryParts(store, new AdmissionChain(options.Plugins), options.Time);
            var registry = new Registry.Registry(parts);
            parts.Use(BuiltInStrategies.All(options, parts));
            parts.Metrics = options.Nodes is { } nodes ? new MetricsApi(parts, new UsageReader(nodes, options.Usage, options.Time)) : null;
            CustomKinds.LoadAll(parts);
            if (options.Access?.Invoke(registry) is { } access)
            {
                (parts.Authorizer, parts.VirtualKinds, parts.Tokens) = (access.Authorizer, access.VirtualKinds, access.Tokens);
                RoleFeed.Load(parts);
            }

            await Bootstrap.EnsureAsync(options, new InProcessTransport(registry, System), cancellationToken);
            await parts.Quotas.RefreshAllAsync();
            var owners = new OwnerCollector(parts, registry, options.Loggers.CreateLogger<OwnerCollector>());
            owners.Start();
            return new ApiServerCore(options, parts, registry, owners);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The way in for a part of this process, with an identity of its own.</summary>
    public IKubeTransport Connect(KubeUser user) => new InProcessTransport(Registry, user);

    /// <summary>Stops the collector, ends all watches, writes the rest to disk.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _bootstrap.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        _stop.Dispose();
        await _owners.DisposeAsync();
        _parts.Quotas.Dispose();
        Store.Dispose();
    }

    private static StoreOptions StoreOptionsOf(ApiServerOptions options)
    {
        if (options.DataDirectory is not { } directory)
        {
            return options.Store with { File = null };
        }

        Directory.CreateDirectory(directory);
        return options.Store with { File = Path.Combine(directory, "knet.db") };
    }
}
