using System.Text.Json.Nodes;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>
/// Which names of a CRD are accepted: no two CRDs of a group may share one. The first to have a name keeps it; the other is not
/// served and says why in its status, until the name is free.
/// </summary>
/// <remarks>Reasons and texts: Kubernetes' CRD naming controller.</remarks>
internal static class CrdNames
{
    public const string NamesAccepted = "NamesAccepted";
    public const string Established = "Established";
    public const string Terminating = "Terminating";

    private static readonly (string Member, string Reason, bool IsKind)[] Single =
    [
        ("plural", "PluralConflict", false), ("singular", "SingularConflict", false), ("kind", "KindConflict", true),
        ("listKind", "ListKindConflict", true),
    ];

    /// <summary>Sets <c>status.acceptedNames</c>, <c>status.storedVersions</c> and the conditions NamesAccepted and Established.</summary>
    /// <param name="others">The other CRDs of the group.</param>
    public static void SetStatus(JsonObject crd, IEnumerable<JsonObject> others, DateTimeOffset now)
    {
        var status = crd.Ensure("status");
        AddStoredVersion(crd.Object("spec"), status);
        var conflicts = Accept(crd.Object("spec").Object("names") ?? [], status, [.. others.Select(o => o.Object("status").Object("acceptedNames"))]);
        if (conflicts.Count == 0)
        {
            SetCondition(crd, NamesAccepted, true, "NoConflicts", "no conflicts found", now);
            SetCondition(crd, Established, true, "InitialNamesAccepted", "the initial names have been accepted", now);
            return;
        }

        var (reason, message) = conflicts[^1];
        SetCondition(crd, NamesAccepted, false, reason, message, now);
        if (!IsTrue(crd, Established))
        {
            SetCondition(crd, Established, false, "NotAccepted", "not all names are accepted", now);
        }
    }

    public static bool IsTrue(JsonObject crd, string condition) =>
        crd.Object("status").Items("conditions").Any(c => c.Text("type") == condition && c.Text("status") == "True");

    public static void SetCondition(JsonObject crd, string type, bool isTrue, string reason, string message, DateTimeOffset now)
    {
        var conditions = crd.Ensure("status").Array("conditions");
        if (conditions is null)
        {
            crd.Ensure("status")["conditions"] = conditions = [];
        }

        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Text("type") == type);
        if (condition is null)
        {
            condition = new JsonObject { ["type"] = type };
            conditions.Add((JsonNode)condition);
        }

        var status = isTrue ? "True" : "False";
        if (condition.Text("status") != status)
        {
            condition["status"] = status;
            condition["lastTransitionTime"] = JsonMembers.Time(now);
        }

        condition["reason"] = reason;
        condition["message"] = message;
    }

    // In the order of Kubernetes' controller, whose last conflict is the one shown.
    private static List<(string Reason, string Message)> Accept(JsonObject wanted, JsonObject status, List<JsonObject?> others)
    {
        var accepted = status.Ensure("acceptedNames");
        var resources = Taken(others, "plural", "singular");
        resources.UnionWith(others.SelectMany(o => o.Texts("shortNames")));
        var kinds = Taken(others, "kind", "listKind");
        var conflicts = new List<(string, string)>();
        foreach (var (member, reason, isKind) in Single[..2])
        {
            AcceptOne(wanted, accepted, member, reason, isKind ? kinds : resources, conflicts);
        }

        var own = accepted.Texts("shortNames").ToHashSet(StringComparer.Ordinal);
        var clashes = wanted.Texts("shortNames").Where(n => !own.Contains(n) && resources.Contains(n)).Select(InUse).ToList();
        if (clashes.Count > 0)
        {
            conflicts.Add(("ShortNamesConflict", clashes.Count == 1 ? clashes[0] : $"[{string.Join(", ", clashes)}]"));
        }
        else
        {
            accepted.Take("shortNames", wanted);
        }

        foreach (var (member, reason, isKind) in Single[2..])
        {
            AcceptOne(wanted, accepted, member, reason, isKind ? kinds : resources, conflicts);
        }

        accepted.Take("categories", wanted);
        return conflicts;
    }

    private static void AcceptOne(
        JsonObject wanted, JsonObject accepted, string member, string reason, HashSet<string> taken, List<(string, string)> conflicts)
    {
        if (wanted.Text(member) is { } name && name != accepted.Text(member) && taken.Contains(name))
        {
            conflicts.Add((reason, InUse(name)));
        }
        else
        {
            accepted.Take(member, wanted);
        }
    }

    private static string InUse(string name) => $"\"{name}\" is already in use";

    private static HashSet<string> Taken(List<JsonObject?> others, params string[] members) =>
        others.SelectMany(o => members.Select(m => o.Text(m))).OfType<string>().ToHashSet(StringComparer.Ordinal);

    private static void AddStoredVersion(JsonObject? spec, JsonObject status)
    {
        var stored = status.Texts("storedVersions").ToList();
        if (spec.Items("versions").FirstOrDefault(v => v.Flag("storage") == true).Text("name") is { } storage && !stored.Contains(storage))
        {
            stored.Add(storage);
        }

        status["storedVersions"] = JsonMembers.ToArray(stored);
    }
}
