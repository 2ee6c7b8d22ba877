using k8s.Models;

namespace Knet.Kube.Config;

/// <summary>A configuration record and the ConfigMap it is read from.</summary>
/// <param name="Name">The ConfigMap's name in the system namespace, such as <c>config-autoscaler</c>.</param>
/// <param name="Parse">
/// Pure; gets the ConfigMap's data (empty when it does not exist) and throws <see cref="FormatException"/> naming key and cause
/// for a bad value: then the last good snapshot stays and an Event says so.
/// </param>
/// <param name="Namespace">The ConfigMap's namespace; null: the system namespace of the source.</param>
public sealed record ConfigKind<TConfig>(
    string Name, Func<IReadOnlyDictionary<string, string>, TConfig> Parse, string? Namespace = null)
    where TConfig : class;

/// <summary>The current snapshots of all configuration records.</summary>
public interface IConfigSource
{
    /// <summary>The last good snapshot; the defaults before the first ConfigMap was read.</summary>
    TConfig Get<TConfig>() where TConfig : class;

    /// <summary>Called after a snapshot of this type was replaced.</summary>
    IDisposable OnChange<TConfig>(Action<TConfig> changed) where TConfig : class;
}
