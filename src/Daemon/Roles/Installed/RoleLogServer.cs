using System.Globalization;
using System.Text;
using Knet.Kube.Client;
using Microsoft.AspNetCore.Http;

namespace Knet.Daemon.Roles.Installed;

/// <summary>Answers for the pods that stand for this process what a kubelet answers for its own: their logs, with kubectl's options.</summary>
internal sealed class RoleLogServer(RoleLogs logs, TimeProvider time)
{
    /// <param name="path">A kubelet's path, <c>/containerLogs/NAMESPACE/POD/CONTAINER</c>; the container's name is the role's.</param>
    /// <exception cref="KubeException">400: something else than logs is asked for, or an option is malformed.</exception>
    public async Task HandleAsync(HttpContext context, string path, CancellationToken cancellationToken)
    {
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var parts = (question < 0 ? path : path[..question]).Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts is not ["containerLogs", _, var pod, var role])
        {
            throw KubeException.Of(
                400, "BadRequest", "this pod stands for a part of knetd, which runs in no container: there is nothing to execute in or attach to");
        }

        var query = new QueryString(question < 0 ? "" : path[question..]);
        var options = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(query.Value);
        string? Option(string name) => options.TryGetValue(name, out var values) && values.Count > 0 ? values[^1] : null;
        if (Option("previous") == "true")
        {
            throw KubeException.Of(400, "BadRequest", $"previous terminated container \"{role}\" in pod \"{pod}\" not found");
        }

        context.Response.ContentType = "text/plain";
        await CopyAsync(context.Response.Body, role, new Wanted(
            Option("follow") == "true", Option("timestamps") == "true", Number(Option("tailLines"), "tailLines"), Since(Option),
            Number(Option("limitBytes"), "limitBytes")), cancellationToken);
    }

    private async Task CopyAsync(Stream output, string role, Wanted wanted, CancellationToken cancellationToken)
    {
        var left = wanted.BytesMax ?? long.MaxValue;
        var (lines, next, more) = logs.Read(role, 0);
        var chosen = lines.Where(l => wanted.Since is not { } since || l.Time >= since);
        if (wanted.Tail is { } tail)
        {
            chosen = chosen.TakeLast((int)Math.Min(tail, int.MaxValue));
        }

        while (true)
        {
            foreach (var line in chosen)
            {
                var at = line.Time.UtcDateTime;
                var stamp = wanted.Timestamps ? at.ToString("yyyy-MM-ddTHH:mm:ss.fffffff'00Z' ", CultureInfo.InvariantCulture) : "";
                var bytes = Encoding.UTF8.GetBytes($"{stamp}{line.Text}\n");
                var count = (int)Math.Min(left, bytes.Length);
                await output.WriteAsync(bytes.AsMemory(0, count), cancellationToken);
                left -= count;
            }

            await output.FlushAsync(cancellationToken);
            if (!wanted.Follow || left == 0)
            {
                return;
            }

            await more.WaitAsync(cancellationToken);
            (chosen, next, more) = logs.Read(role, next);
        }
    }

    private DateTimeOffset? Since(Func<string, string?> option)
    {
        if (Number(option("sinceSeconds"), "sinceSeconds") is { } seconds)
        {
            return time.GetUtcNow().AddSeconds(-seconds);
        }

        return option("sinceTime") is not { } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since) ? since
            : throw KubeException.Of(400, "BadRequest", $"sinceTime: \"{text}\" is no time: it must be in the form of RFC 3339");
    }

    private static long? Number(string? text, string name) => text is null ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw KubeException.Of(400, "BadRequest", $"{name}: \"{text}\" is no number");

    private sealed record Wanted(bool Follow, bool Timestamps, long? Tail, DateTimeOffset? Since, long? BytesMax);
}
