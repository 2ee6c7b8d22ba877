using System.Globalization;

namespace Knet.ApiServer.Http.Protobuf;

/// <summary>One field of a protobuf message.</summary>
/// <param name="Name">In JSON; empty for <see cref="IsInline"/>.</param>
/// <param name="Code">The type's letter, see messages.txt.</param>
/// <param name="Message">The message's name when the type is one.</param>
internal sealed record MessageField(string Name, char Code, string Message, bool IsOptional, bool IsList, bool IsMap, bool IsInline);

/// <summary>The protobuf messages of Kubernetes' kinds, read once from the embedded table.</summary>
internal static class MessageTable
{
    private static readonly Lazy<Dictionary<string, Dictionary<int, MessageField>>> Messages = new(Read);

    /// <summary>The fields of a message by number, or null when we do not know it.</summary>
    public static IReadOnlyDictionary<int, MessageField>? Find(string message) => Messages.Value.GetValueOrDefault(message);

    /// <summary>The message of a kind: <c>core.Pod</c>, <c>autoscaling2.HorizontalPodAutoscaler</c>.</summary>
    public static string NameOf(string apiVersion, string kind)
    {
        if (kind is "DeleteOptions")
        {
            return "meta.DeleteOptions";
        }

        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        var (group, version) = slash < 0 ? ("core", apiVersion) : (apiVersion[..slash].Split('.')[0], apiVersion[(slash + 1)..]);
        return $"{group}{(version == "v1" ? "" : version.TrimStart('v'))}.{kind}";
    }

    private static Dictionary<string, Dictionary<int, MessageField>> Read()
    {
        using var stream = typeof(MessageTable).Assembly.GetManifestResourceStream("messages.txt")!;
        using var reader = new StreamReader(stream);
        var messages = new Dictionary<string, Dictionary<int, MessageField>>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            var parts = line.Split(' ');
            messages[parts[0]] = parts.Skip(1).Select(p => p.Split(':'))
                .ToDictionary(p => int.Parse(p[0], CultureInfo.InvariantCulture), p => Field(p[1], p[2]));
        }

        return messages;
    }

    private static MessageField Field(string name, string code)
    {
        var flags = code.Length - code.TrimStart('*', '[', '{', '~').Length;
        return new(
            name, code[flags], code[(flags + 1)..], code[..flags].Contains('*', StringComparison.Ordinal),
            code[..flags].Contains('[', StringComparison.Ordinal), code[..flags].Contains('{', StringComparison.Ordinal),
            code[..flags].Contains('~', StringComparison.Ordinal));
    }
}
