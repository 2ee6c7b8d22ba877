using System.Buffers;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Http.OpenApi;

/// <summary>
/// What the built-in types and members mean, from the XML documentation of KubernetesClient. The file has 25 MB, so it is only read
/// when somebody asks for OpenAPI, searched as bytes piece by piece, and only what is asked for is kept.
/// </summary>
internal static partial class ModelDescriptions
{
    private const string FileName = "KubernetesClient.xml";
    private const int PieceBytes = 512 * 1024;
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, string> Texts = new(StringComparer.Ordinal);
    private static readonly HashSet<string> Loaded = new(StringComparer.Ordinal);

    private static ReadOnlySpan<byte> MemberEnd => "</member>"u8;

    /// <summary>The description of a type, or null.</summary>
    public static string? OfType(Type model)
    {
        lock (Gate)
        {
            return Texts.GetValueOrDefault("T:" + model.Name);
        }
    }

    /// <summary>The descriptions of a type's members by JSON name.</summary>
    public static IReadOnlyDictionary<string, string> OfMembers(Type model)
    {
        lock (Gate)
        {
            return BuiltInSchemas.MembersOf(model)
                .Where(m => Texts.ContainsKey($"P:{model.Name}.{m.Property.Name}"))
                .ToDictionary(m => m.Name, m => Texts[$"P:{model.Name}.{m.Property.Name}"], StringComparer.Ordinal);
        }
    }

    /// <summary>Reads the descriptions of all these types in one pass; without the file there are none.</summary>
    public static void Load(IEnumerable<Type> models)
    {
        lock (Gate)
        {
            var wanted = models.Select(m => m.Name).Where(Loaded.Add).ToHashSet(StringComparer.Ordinal);
            var file = Path.Combine(AppContext.BaseDirectory, FileName);
            if (wanted.Count > 0 && File.Exists(file))
            {
                Scan(file, wanted);
            }
        }
    }

    // In pieces that end with a member; what is left over begins the next piece.
    private static void Scan(string file, HashSet<string> wanted)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        var count = 0;
        while (stream.Read(buffer.AsSpan(count)) is var read and > 0)
        {
            count += read;
            var end = buffer.AsSpan(0, count).LastIndexOf(MemberEnd) + MemberEnd.Length;
            if (end < MemberEnd.Length)
            {
                end = count < buffer.Length ? 0 : count; // none is this long
            }

            Scan(buffer.AsSpan(0, end), wanted);
            buffer.AsSpan(end, count - end).CopyTo(buffer);
            count -= end;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static void Scan(ReadOnlySpan<byte> xml, HashSet<string> wanted)
    {
        var marker = "<member name=\""u8;
        var lookup = wanted.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<char> name = stackalloc char[200];
        int at;
        while ((at = xml.IndexOf(marker)) >= 0)
        {
            xml = xml[(at + marker.Length)..];
            var end = xml.IndexOf((byte)'"');
            if (end is < 0 or > 200)
            {
                continue;
            }

            var key = name[..Encoding.UTF8.GetChars(xml[..end], name)];
            var isType = key.StartsWith("T:k8s.Models.");
            if (!isType && !key.StartsWith("P:k8s.Models."))
            {
                continue;
            }

            var own = key["T:k8s.Models.".Length..];
            var dot = own.IndexOf('.');
            if (lookup.Contains(dot < 0 ? own : own[..dot]))
            {
                Texts[$"{(isType ? 'T' : 'P')}:{own}"] = Summary(xml);
            }
        }
    }

    private static string Summary(ReadOnlySpan<byte> xml)
    {
        var end = xml.IndexOf(MemberEnd);
        var member = end < 0 ? xml : xml[..end];
        var from = member.IndexOf("<summary>"u8);
        var to = member.IndexOf("</summary>"u8);
        return from < 0 || to < from ? "" : Plain(Encoding.UTF8.GetString(member[(from + "<summary>".Length)..to]));
    }

    // Lines that only the file's width broke are joined; empty lines stay.
    private static string Plain(string text)
    {
        var paragraphs = Blank().Split(Tag().Replace(text, "").Trim());
        return WebUtility.HtmlDecode(string.Join("\n\n", paragraphs.Select(p => Space().Replace(p.Trim(), " "))));
    }

    [GeneratedRegex(@"\n[ \t\r]*\n")]
    private static partial Regex Blank();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex("<[^>]+>")]
    private static partial Regex Tag();
}
