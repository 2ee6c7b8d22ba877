using System.Text;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Knet.Kube.Config;

/// <summary>The block of documentation in each of Knative's ConfigMaps, which has no effect and is guarded against edits.</summary>
public static partial class ConfigExample
{
    public const string Key = "_example";

    /// <summary>The annotation that holds the block's <see cref="Checksum"/>.</summary>
    public const string ChecksumAnnotation = "knative.dev/example-checksum";

    /// <summary>The checksum by which an edit of the example block is noticed: CRC-32 (IEEE) of the text with its newlines
    /// collapsed.</summary>
    public static string Checksum(string example)
    {
        var text = Encoding.UTF8.GetBytes(Newlines().Replace(example.Trim(), "\\n"));
        var crc = uint.MaxValue;
        foreach (var value in text)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
            }
        }

        return (~crc).ToString("x8");
    }

    /// <summary>Why a ConfigMap is refused whose block does not have its checksum any more; null when it has.</summary>
    public static string? FindEdit(V1ConfigMap map) =>
        map.Metadata.Annotations is { } annotations && annotations.TryGetValue(ChecksumAnnotation, out var expected)
        && map.Data is { } data && data.TryGetValue(Key, out var example) && Checksum(example) is var found && found != expected
            ? $"the update modifies a key in \"{Key}\" which is probably not what you want. Instead, copy the " +
              $"respective setting to the top-level of the ConfigMap, directly below \"data\" (its checksum is {found}, expected {expected})"
            : null;

    [GeneratedRegex("(\r?\n)+")]
    private static partial Regex Newlines();
}
