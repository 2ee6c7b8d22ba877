using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Knet.Api.Meta;
using Knet.Kube.Client;

namespace Knet.Kube.Controllers;

/// <summary>
/// What was last written for each child, and what the server made of it: so that an unchanged child that still holds what was written
/// costs no request, whatever the server defaulted or normalised. Kept by owner, and forgotten with it.
/// </summary>
/// <remarks>One owner is worked on by one loop at a time.</remarks>
internal sealed class AppliedChildren
{
    private readonly ConcurrentDictionary<ObjectKey, Dictionary<(ResourceType Type, ObjectKey Key), Entry>> _owners = new();

    /// <summary>Owners of whose children something is known.</summary>
    internal int Owners => _owners.Count;

    /// <summary>Whether this body was the last one written and the observed object still has all that it says.</summary>
    /// <param name="exact">Labels, annotations and top-level members must not have more than the body says (replaced, not merged).</param>
    public bool Holds(ObjectKey owner, ResourceType type, ObjectKey key, ReadOnlyMemory<byte> body, KubeDocument observed, bool exact)
    {
        if (!_owners.TryGetValue(owner, out var entries) || !entries.TryGetValue((type, key), out var entry)
            || !entry.Body.AsSpan().SequenceEqual(SHA256.HashData(body.Span)))
        {
            return false;
        }

        var now = observed.Metadata;
        var then = entry.Result.Metadata;
        if (now.Uid != then.Uid)
        {
            return false;
        }

        if (now.ResourceVersion != then.ResourceVersion)
        {
            using var want = JsonDocument.Parse(body);
            using var before = JsonDocument.Parse(entry.Result.Json);
            using var after = JsonDocument.Parse(observed.Json);
            if (!(exact ? ReplacedPartsEqual(before.RootElement, after.RootElement)
                    : Contains(want.RootElement, before.RootElement, after.RootElement)))
            {
                return false;
            }

            // The same in all that matters: refer to the newest version, which the cache holds anyway.
            entries[(type, key)] = entry with { Result = observed };
        }

        return true;
    }

    public void Remember(ObjectKey owner, ResourceType type, ObjectKey key, ReadOnlyMemory<byte> body, KubeDocument result) =>
        _owners.GetOrAdd(owner, static _ => [])[(type, key)] = new Entry(SHA256.HashData(body.Span), result);

    /// <summary>The owner deleted a child.</summary>
    public void Forget(ObjectKey owner, ResourceType type, ObjectKey key)
    {
        if (_owners.TryGetValue(owner, out var entries))
        {
            entries.Remove((type, key));
        }
    }

    /// <summary>The owner is gone.</summary>
    public void Forget(ObjectKey owner) => _owners.TryRemove(owner, out _);

    /// <summary>Whether everything that <c>PlanStep.Ensure</c> replaces is the same in both objects.</summary>
    internal static bool ReplacedPartsEqual(JsonElement one, JsonElement other)
    {
        foreach (var name in Members(one).Union(Members(other)))
        {
            if (!Same(Find(one, name), Find(other, name)))
            {
                return false;
            }
        }

        var (metaOne, metaOther) = (Find(one, "metadata"), Find(other, "metadata"));
        return Same(Find(metaOne, "labels"), Find(metaOther, "labels"))
            && Same(Find(metaOne, "annotations"), Find(metaOther, "annotations"));
    }

    /// <summary>
    /// Every value that <paramref name="want"/> names is, in <paramref name="after"/>, what it was in <paramref name="before"/>.
    /// </summary>
    internal static bool Contains(JsonElement want, JsonElement before, JsonElement after)
    {
        if (want.ValueKind == JsonValueKind.Object && before.ValueKind == JsonValueKind.Object && after.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in want.EnumerateObject())
            {
                if (member.Value.ValueKind == JsonValueKind.Null)
                {
                    continue;
                }

                if (!before.TryGetProperty(member.Name, out var then) || !after.TryGetProperty(member.Name, out var now)
                    || !Contains(member.Value, then, now))
                {
                    // An empty object or list that the server does not keep is no difference.
                    if (before.TryGetProperty(member.Name, out _) || after.TryGetProperty(member.Name, out _))
                    {
                        return false;
                    }
                }
            }

            return true;
        }

        if (want.ValueKind == JsonValueKind.Array && before.ValueKind == JsonValueKind.Array && after.ValueKind == JsonValueKind.Array
            && want.GetArrayLength() == before.GetArrayLength() && before.GetArrayLength() == after.GetArrayLength())
        {
            for (var i = 0; i < want.GetArrayLength(); i++)
            {
                if (!Contains(want[i], before[i], after[i]))
                {
                    return false;
                }
            }

            return true;
        }

        return JsonElement.DeepEquals(before, after);
    }

    private static IEnumerable<string> Members(JsonElement element) =>
        element.EnumerateObject().Select(m => m.Name).Where(n => n is not ("apiVersion" or "kind" or "metadata" or "status"));

    private static JsonElement Find(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var found) ? found : default;

    private static bool Same(JsonElement one, JsonElement other) =>
        IsEmpty(one) && IsEmpty(other) || (!IsEmpty(one) && !IsEmpty(other) && JsonElement.DeepEquals(one, other));

    private static bool IsEmpty(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => true,
        JsonValueKind.Object => !element.EnumerateObject().Any(),
        JsonValueKind.Array => element.GetArrayLength() == 0,
        _ => false,
    };

    private sealed record Entry(byte[] Body, KubeDocument Result);
}
