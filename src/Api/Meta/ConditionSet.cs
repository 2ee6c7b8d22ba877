namespace Knet.Api.Meta;

/// <summary>
/// The rules by which a kind's conditions feed its <c>Ready</c> condition, as Knative's duck-type machinery has them. Every operation is
/// pure: it takes a list, leaves it alone and returns the list that follows (the same instance when nothing changed).
/// </summary>
/// <remarks>
/// While a reconcile runs, changed conditions carry provisional times that only order them; <see cref="Stamp"/> puts the real time in
/// at the end. So all that changed in one pass shares one time, and what ended as it began keeps its old one.
/// </remarks>
public sealed class ConditionSet
{
    public const string Ready = "Ready";
    public const string True = "True";
    public const string False = "False";
    public const string Unknown = "Unknown";
    public const string NewObservedGenFailure = "NewObservedGenFailure";

    // Later than any real time: changes of the running pass are the newest, in the order in which they were made.
    private static readonly DateTime Provisional = new(9000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly string[] _dependents;

    /// <param name="dependents">The conditions that feed Ready; all others are informational.</param>
    public ConditionSet(params string[] dependents) => _dependents = dependents;

    public IReadOnlyList<string> Dependents => _dependents;

    public static KnCondition? Find(IReadOnlyList<KnCondition>? conditions, string type)
    {
        for (var i = 0; i < (conditions?.Count ?? 0); i++)
        {
            if (conditions![i].Type == type)
            {
                return conditions[i];
            }
        }

        return null;
    }

    public static bool IsTrue(IReadOnlyList<KnCondition>? conditions, string type = Ready) => Find(conditions, type)?.Status == True;

    public static bool IsFalse(IReadOnlyList<KnCondition>? conditions, string type = Ready) => Find(conditions, type)?.Status == False;

    /// <summary>
    /// How a reconcile begins: missing conditions appear (True when Ready is True, else Unknown), and a generation not seen before makes
    /// Ready Unknown until the reconcile says better.
    /// </summary>
    public List<KnCondition> Begin(List<KnCondition>? conditions, long? observedGeneration, long? generation)
    {
        var result = Initialize(conditions);
        return observedGeneration == generation
            ? result
            : MarkUnknown(result, Ready, NewObservedGenFailure, "unsuccessfully observed a new generation");
    }

    /// <summary>Adds the conditions of the set that are missing.</summary>
    public List<KnCondition> Initialize(List<KnCondition>? conditions)
    {
        var result = conditions ?? [];
        if (Find(result, Ready) is null)
        {
            result = Set(result, Ready, Unknown, null, null);
        }

        var status = IsTrue(result) ? True : Unknown;
        foreach (var dependent in _dependents)
        {
            if (Find(result, dependent) is null)
            {
                result = Set(result, dependent, status, null, null);
            }
        }

        return result;
    }

    /// <summary>Sets a condition True and lets Ready follow: the newest False dependent decides, then the newest Unknown one.</summary>
    public List<KnCondition> MarkTrue(List<KnCondition>? conditions, string type, string? reason = null, string? message = null)
    {
        var result = Set(conditions, type, True, reason, message);
        if (FindUnhappy(result) is { } unhappy)
        {
            return Set(result, Ready, unhappy.Status, unhappy.Reason, unhappy.Message);
        }

        return type == Ready ? result : Set(result, Ready, True, null, null);
    }

    /// <summary>Sets a condition Unknown; Ready follows when it is a dependent, but stays False while any dependent is False.</summary>
    public List<KnCondition> MarkUnknown(List<KnCondition>? conditions, string type, string? reason, string? message)
    {
        var result = Set(conditions, type, Unknown, reason, message);
        foreach (var dependent in _dependents)
        {
            if (IsFalse(result, dependent))
            {
                return IsFalse(result) ? result : Set(result, Ready, False, reason, message);
            }
        }

        return IsDependent(type) ? Set(result, Ready, Unknown, reason, message) : result;
    }

    /// <summary>Sets a condition False, and Ready with it when it is a dependent.</summary>
    public List<KnCondition> MarkFalse(List<KnCondition>? conditions, string type, string? reason, string? message)
    {
        var result = Set(conditions, type, False, reason, message);
        return IsDependent(type) ? Set(result, Ready, False, reason, message) : result;
    }

    /// <summary>Takes over status, reason and message of another object's condition; none there counts as Unknown.</summary>
    public List<KnCondition> Copy(List<KnCondition>? conditions, string type, KnCondition? from) => from?.Status switch
    {
        True => MarkTrue(conditions, type),
        False => MarkFalse(conditions, type, from.Reason, from.Message),
        _ => MarkUnknown(conditions, type, from?.Reason, from?.Message),
    };

    public List<KnCondition> Clear(List<KnCondition>? conditions, string type) =>
        Find(conditions, type) is null ? conditions ?? [] : [.. conditions!.Where(c => c.Type != type)];

    /// <summary>The conditions as they are written: changed ones with <paramref name="now"/> (whole seconds), others with their old
    /// time.</summary>
    public static List<KnCondition> Stamp(IReadOnlyList<KnCondition>? before, List<KnCondition>? after, DateTimeOffset now)
    {
        var utc = now.UtcDateTime;
        var time = utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerSecond));
        var result = new List<KnCondition>(after?.Count ?? 0);
        foreach (var condition in after ?? [])
        {
            var old = Find(before, condition.Type);
            result.Add(old is not null && old.LastTransitionTime is not null && Same(old, condition)
                ? old
                : condition with { LastTransitionTime = time });
        }

        return result;
    }

    private List<KnCondition> Set(List<KnCondition>? conditions, string type, string status, string? reason, string? message)
    {
        var wanted = new KnCondition
        {
            Type = type,
            Status = status,
            Severity = type == Ready || IsDependent(type) ? null : "Info",
            Reason = string.IsNullOrEmpty(reason) ? null : reason,
            Message = string.IsNullOrEmpty(message) ? null : message,
        };
        var result = new List<KnCondition>((conditions?.Count ?? 0) + 1);
        var newest = Provisional;
        foreach (var condition in conditions ?? [])
        {
            if (condition.Type == type)
            {
                if (Same(condition, wanted))
                {
                    return conditions!;
                }

                continue;
            }

            newest = condition.LastTransitionTime > newest ? condition.LastTransitionTime.Value : newest;
            result.Add(condition);
        }

        var at = result.FindIndex(c => string.CompareOrdinal(c.Type, type) > 0);
        result.Insert(at < 0 ? result.Count : at, wanted with { LastTransitionTime = newest.AddTicks(1) });
        return result;
    }

    private KnCondition? FindUnhappy(List<KnCondition> conditions)
    {
        KnCondition? failed = null;
        KnCondition? unknown = null;
        var found = 0;
        foreach (var condition in conditions)
        {
            if (!IsDependent(condition.Type))
            {
                continue;
            }

            found++;
            if (condition.Status == False && (failed is null || condition.LastTransitionTime > failed.LastTransitionTime))
            {
                failed = condition;
            }
            else if (condition.Status == Unknown && (unknown is null || condition.LastTransitionTime > unknown.LastTransitionTime))
            {
                unknown = condition;
            }
        }

        return failed ?? unknown ?? (found < _dependents.Length ? new KnCondition { Type = "", Status = Unknown } : null);
    }

    private bool IsDependent(string type) => Array.IndexOf(_dependents, type) >= 0;

    private static bool Same(KnCondition a, KnCondition b) =>
        a.Type == b.Type && a.Status == b.Status && Text(a.Severity) == Text(b.Severity) && Text(a.Reason) == Text(b.Reason) &&
        Text(a.Message) == Text(b.Message);

    private static string Text(string? value) => value ?? "";
}
