using System.Security.Cryptography;
using System.Text;

namespace Knet.Api.Meta;

/// <summary>Names of children that fit into 63 characters, byte for byte as Knative's <c>kmeta.ChildName</c> makes them.</summary>
public static class ChildNames
{
    private const int Longest = 63;
    private const int Md5Length = 32;
    private const int Head = Longest - Md5Length;

    /// <summary>
    /// <paramref name="parent"/> + <paramref name="suffix"/> when that fits; else the parent is cut and its MD5 put between. A
    /// suffix of 31 characters or more takes part in the hash and is cut itself.
    /// </summary>
    public static string For(string parent, string suffix)
    {
        if (parent.Length + suffix.Length <= Longest)
        {
            return parent + suffix;
        }

        if (suffix.Length < Head)
        {
            return parent[..(Head - suffix.Length)] + Hash(parent) + suffix;
        }

        var name = (parent.Length > Head ? parent[..Head] : parent) + Hash(parent + suffix);
        name += suffix[..(Longest - name.Length)];
        var end = name.Length;
        while (end > 0 && !char.IsAsciiLetterOrDigit(name[end - 1]))
        {
            end--;
        }

        return name[..end];
    }

    // MD5 names, it does not protect: upstream chose it, and names must agree.
#pragma warning disable CA5351
    private static string Hash(string text) => Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
}
