using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.ApiServer.Workloads.Pods;

/// <summary>Name suffixes in Kubernetes' alphabet, which has no vowels and hence no words.</summary>
internal static class SafeNames
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>Letters that depend on nothing but the text.</summary>
    public static string Suffix(string text, int length)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return string.Create(length, hash, static (span, bytes) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = Alphabet[bytes[i] % Alphabet.Length];
            }
        });
    }

    /// <summary>
    /// The hash of a value's JSON, whatever the order of its members; as Kubernetes writes template hashes: up to ten letters.
    /// </summary>
    public static string Hash<T>(T value, string salt)
    {
        var canonical = Sort(JsonNode.Parse(KubeJson.Serialize(value)))?.ToJsonString(KubeJson.Options) ?? "";
        var number = BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(canonical + salt)));
        return string.Concat(number.ToString().Select(digit => Alphabet[digit % Alphabet.Length]));
    }

    private static JsonNode? Sort(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Where(m => m.Value is not null).OrderBy(m => m.Key, StringComparer.Ordinal)
            .Select(m => KeyValuePair.Create(m.Key, Sort(m.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Sort)]),
        _ => node?.DeepClone(),
    };
}
