using k8s.Models;
using Knet.Api.Meta;
using Knet.Api.Serving.Config;

namespace Knet.Api.Serving.V1;

/// <summary>What a Revision may say of volumes and where they are mounted.</summary>
internal static class VolumeValidation
{
    private static readonly HashSet<string> ReservedPaths = new(StringComparer.Ordinal) { "/", "/dev", "/dev/log" };

    /// <returns>The volumes by name, for the checks of mounts.</returns>
    public static Dictionary<string, V1Volume> Validate(RevisionSpec spec, FeaturesConfig features, string path, FieldErrors errors)
    {
        var mounted = spec.Containers.Concat(spec.InitContainers ?? [])
            .SelectMany(c => c.VolumeMounts ?? [])
            .Select(m => m.Name ?? "")
            .ToHashSet(StringComparer.Ordinal);
        var volumes = new Dictionary<string, V1Volume>(StringComparer.Ordinal);
        for (var i = 0; i < (spec.Volumes?.Count ?? 0); i++)
        {
            var (volume, at) = (spec.Volumes![i], $"{path}.volumes[{i}]");
            var name = volume.Name ?? "";
            if (!volumes.TryAdd(name, volume))
            {
                errors.Add($"duplicate volume name \"{name}\"", $"{at}.name");
            }

            if (!mounted.Contains(name))
            {
                errors.Add($"volume with name \"{name}\" not mounted", $"{at}.name");
            }

            if (name.Length == 0)
            {
                errors.Missing($"{at}.name");
            }
            else if (!DnsNames.Is1123Label(name))
            {
                errors.Invalid(name, $"{at}.name");
            }

            Support(volume, features, at, errors);
            Source(volume, features, at, errors);
        }

        return volumes;
    }

    public static void Mounts(IList<V1VolumeMount>? mounts, ContainerContext context, string path)
    {
        var errors = context.Errors;
        var paths = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < (mounts?.Count ?? 0); i++)
        {
            var (mount, at) = (mounts![i], $"{path}[{i}]");
            if (!context.Volumes.TryGetValue(mount.Name ?? "", out var volume))
            {
                errors.Add("volumeMount has no matching volume", $"{at}.name");
            }

            MountPath(mount.MountPath ?? "", paths, at, errors);
            if (!string.IsNullOrEmpty(mount.SubPathExpr))
            {
                errors.Disallowed($"{at}.subPathExpr");
            }

            var isWritable = volume?.EmptyDir is not null || volume?.PersistentVolumeClaim is not null || volume?.Ephemeral is not null;
            if (!isWritable && mount.ReadOnlyProperty != true)
            {
                errors.Add("volume mount should be readOnly for this type of volume", $"{at}.readOnly");
            }

            if (volume?.PersistentVolumeClaim?.ReadOnlyProperty == true && mount.ReadOnlyProperty != true)
            {
                errors.Add("volume is readOnly but volume mount is not", $"{at}.readOnly");
            }

            Propagation(mount, context.Features, at, errors);
        }
    }

    private static void Propagation(V1VolumeMount mount, FeaturesConfig features, string path, FieldErrors errors)
    {
        if (mount.MountPropagation is null)
        {
            return;
        }

        if (features.MountPropagation != FeatureFlag.Enabled)
        {
            errors.Add(
                $"Volume Mount Propagation support is disabled, but found volume mount {mount.Name} with mount propagation", path,
                PodValidation.Hint(FeatureKeys.MountPropagation));
        }

        if (mount.MountPropagation is not ("None" or "HostToContainer"))
        {
            errors.Add("mount propagation should be set to None or HostToContainer", $"{path}.mountPropagation");
        }
    }

    private static void MountPath(string mountPath, HashSet<string> paths, string path, FieldErrors errors)
    {
        var clean = mountPath.StartsWith('/') ? Path.GetFullPath(mountPath).TrimEnd('/') : mountPath.TrimEnd('/');
        clean = clean.Length == 0 && mountPath.Length != 0 ? "/" : clean;
        if (mountPath.Length == 0)
        {
            errors.Missing($"{path}.mountPath");
        }
        else if (ReservedPaths.Contains(clean))
        {
            errors.Add($"mountPath \"{clean}\" is a reserved path", $"{path}.mountPath");
        }
        else if (!mountPath.StartsWith('/'))
        {
            errors.Invalid(mountPath, $"{path}.mountPath");
        }
        else if (!paths.Add(clean))
        {
            errors.Invalid($"\"{mountPath}\" must be unique", $"{path}.mountPath");
        }
    }

    private static void Support(V1Volume volume, FeaturesConfig features, string path, FieldErrors errors)
    {
        void Guard(bool isSet, FeatureFlag flag, string kind, string feature)
        {
            if (isSet && flag != FeatureFlag.Enabled)
            {
                errors.Add($"{kind} volume support is disabled, but found {kind} volume {volume.Name}", path, PodValidation.Hint(feature));
            }
        }

        Guard(volume.Image is not null, features.ImageVolumes, "Image", FeatureKeys.ImageVolumes);
        Guard(volume.EmptyDir is not null, features.EmptyDirVolumes, "EmptyDir", FeatureKeys.EmptyDirVolumes);
        Guard(volume.HostPath is not null, features.HostPathVolumes, "HostPath", FeatureKeys.HostPathVolumes);
        Guard(volume.Csi is not null, features.CsiVolumes, "CSI", FeatureKeys.CsiVolumes);
        Guard(volume.Ephemeral is not null, features.EphemeralVolumes, "Ephemeral", FeatureKeys.EphemeralVolumes);
        if (volume.PersistentVolumeClaim is not { } claim)
        {
            return;
        }

        if (features.PersistentVolumeClaim != FeatureFlag.Enabled)
        {
            errors.Add(
                $"Persistent volume claim support is disabled, but found persistent volume claim {claim.ClaimName}", path,
                PodValidation.Hint(FeatureKeys.PersistentVolumeClaim));
        }

        if (claim.ReadOnlyProperty != true && features.PersistentVolumeWrite != FeatureFlag.Enabled)
        {
            errors.Add(
                $"Persistent volume write support is disabled, but found persistent volume claim {claim.ClaimName} that is not read-only",
                path, PodValidation.Hint(FeatureKeys.PersistentVolumeWrite));
        }
    }

    private static void Source(V1Volume volume, FeaturesConfig features, string path, FieldErrors errors)
    {
        var offered = new[]
        {
            ("secret", volume.Secret is not null, true), ("configMap", volume.ConfigMap is not null, true),
            ("projected", volume.Projected is not null, true),
            ("emptyDir", volume.EmptyDir is not null, features.EmptyDirVolumes == FeatureFlag.Enabled),
            ("persistentVolumeClaim", volume.PersistentVolumeClaim is not null, features.PersistentVolumeClaim == FeatureFlag.Enabled),
            ("hostPath", volume.HostPath is not null, features.HostPathVolumes == FeatureFlag.Enabled),
            ("csi", volume.Csi is not null, features.CsiVolumes == FeatureFlag.Enabled),
            ("ephemeral", volume.Ephemeral is not null, features.EphemeralVolumes == FeatureFlag.Enabled),
            ("image", volume.Image is not null, features.ImageVolumes == FeatureFlag.Enabled),
        };
        var given = offered.Where(s => s.Item2).Select(s => $"{path}.{s.Item1}").ToArray();
        if (given.Length == 0)
        {
            errors.MissingOneOf([.. offered.Where(s => s.Item3).Select(s => $"{path}.{s.Item1}")]);
        }
        else if (given.Length > 1)
        {
            errors.MultipleOneOf(given);
        }

        Items(volume.Secret?.Items, $"{path}.items", errors);
        Items(volume.ConfigMap?.Items, $"{path}.items", errors);
        EmptyDir(volume.EmptyDir, $"{path}.emptyDir", errors);
        for (var i = 0; i < (volume.Projected?.Sources?.Count ?? 0); i++)
        {
            Projection(volume.Projected!.Sources[i], $"{path}.projected[{i}]", errors);
        }
    }

    private static void EmptyDir(V1EmptyDirVolumeSource? source, string path, FieldErrors errors)
    {
        if (source?.Medium is not (null or "" or "Memory"))
        {
            errors.Invalid(source.Medium, $"{path}.medium");
        }

        if (source?.SizeLimit is { } limit && (decimal)limit < 0)
        {
            errors.Invalid(limit, $"{path}.sizeLimit");
        }
    }

    private static void Items(IList<V1KeyToPath>? items, string path, FieldErrors errors)
    {
        for (var i = 0; i < (items?.Count ?? 0); i++)
        {
            if (string.IsNullOrEmpty(items![i].Key))
            {
                errors.Missing($"{path}[{i}].key");
            }

            if (string.IsNullOrEmpty(items[i].Path))
            {
                errors.Missing($"{path}[{i}].path");
            }
        }
    }

    private static void Projection(V1VolumeProjection source, string path, FieldErrors errors)
    {
        var offered = new[]
        {
            ("secret", source.Secret is not null), ("configMap", source.ConfigMap is not null),
            ("serviceAccountToken", source.ServiceAccountToken is not null), ("downwardAPI", source.DownwardAPI is not null),
        };
        var given = offered.Where(s => s.Item2).Select(s => $"{path}.{s.Item1}").ToArray();
        if (given.Length == 0)
        {
            errors.MissingOneOf([.. offered.Select(s => $"{path}.{s.Item1}")]);
        }
        else if (given.Length > 1)
        {
            errors.MultipleOneOf(given);
        }

        Named(source.Secret?.Name, source.Secret is not null, $"{path}.secret.name", errors);
        Named(source.ConfigMap?.Name, source.ConfigMap is not null, $"{path}.configMap.name", errors);
        Named(source.ServiceAccountToken?.Path, source.ServiceAccountToken is not null, $"{path}.serviceAccountToken.path", errors);
        Items(source.Secret?.Items, $"{path}.secret.items", errors);
        Items(source.ConfigMap?.Items, $"{path}.configMap.items", errors);
        for (var i = 0; i < (source.DownwardAPI?.Items?.Count ?? 0); i++)
        {
            DownwardFile(source.DownwardAPI!.Items[i], $"{path}.downwardAPI.items[{i}]", errors);
        }
    }

    private static void DownwardFile(V1DownwardAPIVolumeFile file, string path, FieldErrors errors)
    {
        if (file.FieldRef is null && file.ResourceFieldRef is null)
        {
            errors.MissingOneOf($"{path}.fieldRef", $"{path}.resourceFieldRef");
        }
        else if (file.FieldRef is not null && file.ResourceFieldRef is not null)
        {
            errors.Add("Within a single item, cannot set both", [$"{path}.resourceFieldRef", $"{path}.fieldRef"]);
        }

        Named(file.Path, true, $"{path}.path", errors);
    }

    private static void Named(string? value, bool isPresent, string path, FieldErrors errors)
    {
        if (isPresent && string.IsNullOrEmpty(value))
        {
            errors.Missing(path);
        }
    }
}
