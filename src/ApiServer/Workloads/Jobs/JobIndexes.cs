using System.Globalization;
using System.Text;
using k8s.Models;

namespace Knet.ApiServer.Workloads.Jobs;

/// <summary>Sets of completion indexes, written as <c>1,3-5,7</c>.</summary>
internal static class JobIndexes
{
    /// <summary>What a status says; parts that are no indexes below <paramref name="completions"/> are left out.</summary>
    public static SortedSet<int> Parse(string? text, int completions)
    {
        var result = new SortedSet<int>();
        foreach (var part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-');
            if (!TryIndex(ends[0], out var first) || !TryIndex(ends[^1], out var last))
            {
                continue;
            }

            for (var i = first; i <= last && i < completions; i++)
            {
                result.Add(i);
            }
        }

        return result;
    }

    /// <summary>Null when there are none. Two neighbours are written with a comma, three or more as a range, as Kubernetes does.</summary>
    public static string? Format(SortedSet<int> indexes)
    {
        var text = new StringBuilder();
        int? first = null;
        var last = 0;
        foreach (var index in indexes)
        {
            if (first is not null && index == last + 1)
            {
                last = index;
                continue;
            }

            Close(text, first, last);
            (first, last) = (index, index);
        }

        Close(text, first, last);
        return text.Length == 0 ? null : text.ToString();
    }

    /// <summary>The index a pod works on, or null.</summary>
    public static int? Of(V1Pod pod) =>
        pod.Metadata.Annotations is { } notes && notes.TryGetValue(JobLabels.CompletionIndex, out var text) && TryIndex(text, out var index)
            ? index
            : null;

    private static bool TryIndex(string text, out int index) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out index);

    private static void Close(StringBuilder text, int? first, int last)
    {
        if (first is not { } start)
        {
            return;
        }

        text.Append(text.Length > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{start}");
        if (last > start)
        {
            text.Append(last == start + 1 ? ',' : '-').Append(CultureInfo.InvariantCulture, $"{last}");
        }
    }
}
