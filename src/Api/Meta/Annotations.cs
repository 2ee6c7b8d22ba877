namespace Knet.Api.Meta;

/// <summary>Copies of annotation and label maps with one entry more.</summary>
internal static class Annotations
{
    public static Dictionary<string, string> With(IDictionary<string, string>? map, string key, string value) =>
        new(map ?? new Dictionary<string, string>()) { [key] = value };
}
