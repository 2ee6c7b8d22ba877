using k8s.Models;
using Knet.Kube.Controllers;
using Knet.Kube.Events;
using Knet.Kube.Informers;
using Microsoft.Extensions.Logging;

namespace Knet.Kube.Config;

/// <summary>Configuration records read from the ConfigMaps of the system namespace, following their changes.</summary>
public sealed partial class ConfigSource(string systemNamespace, ILogger logger) : IConfigSource, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Type, IEntry> _entries = [];
    private IDisposable? _subscription;

    /// <summary>The namespace of the ConfigMaps, such as <c>knative-serving</c>.</summary>
    public string SystemNamespace { get; } = systemNamespace;

    /// <summary>Who records a bad value as an Event on its ConfigMap; null: nobody. May be set late, as recording needs an API.</summary>
    public EventRecorder? Events { get; set; }

    /// <summary>Adds a record; until its ConfigMap is read it has the values of an empty one.</summary>
    public ConfigSource Register<TConfig>(ConfigKind<TConfig> kind) where TConfig : class
    {
        _entries[typeof(TConfig)] = new Entry<TConfig>(kind);
        return this;
    }

    /// <summary>Follows the ConfigMaps that this informer sees; after all records were registered.</summary>
    public void Follow(Informer<V1ConfigMap> informer) => _subscription = informer.Subscribe(OnChange);

    public TConfig Get<TConfig>() where TConfig : class => EntryOf<TConfig>().Value;

    public IDisposable OnChange<TConfig>(Action<TConfig> changed) where TConfig : class
    {
        var entry = EntryOf<TConfig>();
        lock (_lock)
        {
            entry.Changed = [.. entry.Changed, changed];
        }

        return new Subscription(() =>
        {
            lock (_lock)
            {
                entry.Changed = [.. entry.Changed.Where(c => c != changed)];
            }
        });
    }

    public void Dispose() => _subscription?.Dispose();

    private Entry<TConfig> EntryOf<TConfig>() where TConfig : class =>
        _entries.TryGetValue(typeof(TConfig), out var entry)
            ? (Entry<TConfig>)entry
            : throw new InvalidOperationException($"no ConfigMap is registered for {typeof(TConfig).Name}: call Register at start");

    private void OnChange(InformerChange<V1ConfigMap> change)
    {
        foreach (var entry in _entries.Values)
        {
            if (entry.Name == change.Key.Name && (entry.Namespace ?? SystemNamespace) == change.Key.Namespace)
            {
                try
                {
                    entry.Read(change.New?.Data as IReadOnlyDictionary<string, string>
                        ?? change.New?.Data?.ToDictionary() ?? new Dictionary<string, string>());
                }
                catch (FormatException e)
                {
                    Log.Refused(logger, change.Key.Name, e.Message);
                    if (change.New is { } map)
                    {
                        Events?.Record("config", map, new PlanEvent("Warning", "InvalidConfiguration",
                            $"kept the last good values: {e.Message}"));
                    }
                }
            }
        }
    }

    private interface IEntry
    {
        string Name { get; }
        string? Namespace { get; }
        void Read(IReadOnlyDictionary<string, string> data);
    }

    private sealed class Entry<TConfig>(ConfigKind<TConfig> kind) : IEntry where TConfig : class
    {
        private TConfig _value = kind.Parse(new Dictionary<string, string>());

        public string Name => kind.Name;
        public string? Namespace => kind.Namespace;
        public TConfig Value => Volatile.Read(ref _value);
        public Action<TConfig>[] Changed { get; set; } = [];

        public void Read(IReadOnlyDictionary<string, string> data)
        {
            var value = kind.Parse(data);
            Volatile.Write(ref _value, value);
            foreach (var changed in Changed)
            {
                changed(value);
            }
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private static partial class Log
    {
        [LoggerMessage(1301, LogLevel.Warning, "ConfigMap {Name} has a bad value, its last good values stay: {Error}")]
        public static partial void Refused(ILogger logger, string name, string error);
    }
}
