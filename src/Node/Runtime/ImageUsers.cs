using System.Globalization;

namespace Knet.Node.Runtime;

/// <summary>Turns the names in an image's <c>User</c> into numbers, by the image's own /etc/passwd and /etc/group.</summary>
internal static class ImageUsers
{
    /// <param name="user">The image's: <c>user</c>, <c>uid</c>, <c>user:group</c>, <c>uid:gid</c> or empty (root).</param>
    /// <param name="runAsUser">Overrides the user, and the image's group with it.</param>
    /// <exception cref="InvalidDataException">A name that the image does not know.</exception>
    public static ContainerUser Resolve(
        string user, string passwd, string group, long? runAsUser, long? runAsGroup, IEnumerable<long> supplementary)
    {
        var wanted = runAsUser?.ToString(CultureInfo.InvariantCulture) ?? user;
        var colon = wanted.IndexOf(':', StringComparison.Ordinal);
        var (userPart, groupPart) = colon < 0 ? (wanted, "") : (wanted[..colon], wanted[(colon + 1)..]);
        var entry = FindUser(userPart, passwd);
        var uid = entry?.Uid ?? Number(userPart) ?? throw Unknown("user", userPart, "passwd");
        var gid = runAsGroup is { } forced ? (uint)forced
            : groupPart.Length == 0 ? entry?.Gid ?? 0
            : FindGroup(groupPart, group) ?? Number(groupPart) ?? throw Unknown("group", groupPart, "group");
        var groups = new SortedSet<uint>(supplementary.Select(g => (uint)g));
        if (entry is not null)
        {
            groups.UnionWith(GroupsOf(entry.Value.Name, group));
        }

        return new ContainerUser(uid, gid, [.. groups]);
    }

    /// <summary>Whether the image's user is a name, so that only the image can say whether it is root.</summary>
    public static bool IsName(string user) => user.Length > 0 && Number(user.Split(':')[0]) is null;

    private static (string Name, uint Uid, uint Gid)? FindUser(string user, string passwd)
    {
        var key = user.Length == 0 ? "0" : user;
        foreach (var fields in Rows(passwd, 4))
        {
            if ((fields[0] == key || fields[2] == key) && Number(fields[2]) is { } uid && Number(fields[3]) is { } gid)
            {
                return (fields[0], uid, gid);
            }
        }

        return user.Length == 0 ? ("root", 0, 0) : null;
    }

    private static uint? FindGroup(string name, string group) =>
        Rows(group, 3).Where(f => f[0] == name).Select(f => Number(f[2])).FirstOrDefault(n => n is not null);

    private static IEnumerable<uint> GroupsOf(string user, string group) =>
        Rows(group, 4).Where(f => f[3].Split(',').Contains(user)).Select(f => Number(f[2])).OfType<uint>();

    private static IEnumerable<string[]> Rows(string text, int columns) =>
        text.Split('\n').Select(l => l.TrimEnd('\r').Split(':')).Where(f => f.Length >= columns);

    private static uint? Number(string text) =>
        text.Length == 0 ? 0 : uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : null;

    private static InvalidDataException Unknown(string what, string name, string file) =>
        new($"unable to find {what} {name}: no matching entries in the image's /etc/{file}");
}
