using System.Globalization;
using System.Text.RegularExpressions;

namespace Knet.ApiServer.Registry;

/// <summary>Kubernetes' order of versions, the preferred first: v2, v1, v1beta2, v1beta1, v1alpha1, then other names.</summary>
internal sealed partial class VersionOrder : IComparer<string>
{
    public static VersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var (a, b) = (Rank(x ?? ""), Rank(y ?? ""));
        return a.CompareTo(b) is var order and not 0 ? order : string.CompareOrdinal(x, y);
    }

    // A number too great to read ranks as an ordinary name does, as in Kubernetes: any CRD may bring one.
    private static (int Stability, int Major, int Minor) Rank(string version)
    {
        var match = Pattern().Match(version);
        if (!match.Success || !Number(match.Groups[1], out var major) || !Number(match.Groups[3], out var minor))
        {
            return (3, 0, 0);
        }

        return (match.Groups[2].Value switch { "" => 0, "beta" => 1, _ => 2 }, -major, -minor);
    }

    private static bool Number(Group digits, out int number)
    {
        number = 0;
        return !digits.Success || int.TryParse(digits.ValueSpan, CultureInfo.InvariantCulture, out number);
    }

    [GeneratedRegex(@"^v([0-9]+)(?:(alpha|beta)([0-9]+))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
