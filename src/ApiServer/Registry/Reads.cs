using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Knet.Api.Meta;
using Knet.ApiServer.Registry.Kinds;
using Knet.ApiServer.Registry.Selectors;
using Knet.ApiServer.Storage;
using Knet.Kube.Client;

namespace Knet.ApiServer.Registry;

/// <summary>Get and list.</summary>
internal sealed class Reads(RegistryParts parts)
{
    /// <exception cref="KubeException">404.</exception>
    public KubeResult Get(KindInfo kind, KubeRequest request)
    {
        var hub = parts.Kinds.HubOf(kind);
        var stored = parts.Find(hub, new ObjectKey(kind.Type.Namespaced ? request.Namespace : "", request.Name))
            ?? throw Refusals.NotFound(kind.Type, request.Name);
        return new KubeResult(parts.View(kind, hub, stored), 200, []);
    }

    /// <exception cref="KubeException">400 for selectors, 410 for a continue token or exact version that is too old.</exception>
    public KubeListPage List(KindInfo kind, KubeRequest request)
    {
        var hub = parts.Kinds.HubOf(kind);
        var labels = LabelSelector.Parse(request.LabelSelector);
        var fields = FieldSelector.Parse(request.FieldSelector, hub.Type);
        var ns = kind.Type.Namespaced ? request.Namespace : "";
        var (snapshot, after) = Choose(KindSource.TableOf(hub.Type), request);

        var items = new List<KubeDocument>();
        ObjectKey last = default;
        var more = 0L;
        foreach (var stored in snapshot.Range(ns, after))
        {
            if (!fields.Matches(stored.Key, stored.Document) || (!labels.IsEmpty && !labels.Matches(stored.Document.Metadata.Labels)))
            {
                continue;
            }

            if (items.Count == request.Limit && request.Limit > 0)
            {
                more++;
                continue;
            }

            items.Add(parts.View(kind, hub, stored));
            last = stored.Key;
        }

        var version = snapshot.Revision.ToString(CultureInfo.InvariantCulture);
        if (more == 0)
        {
            return new KubeListPage(items, version);
        }

        parts.Store.Keep(KindSource.TableOf(hub.Type), snapshot);
        var countable = labels.IsEmpty && fields.IsEmpty;
        return new KubeListPage(items, version, ContinueToken.Encode(snapshot.Revision, last), countable ? more : null);
    }

    private (TableSnapshot Snapshot, ObjectKey? After) Choose(string table, KubeRequest request)
    {
        if (!string.IsNullOrEmpty(request.Continue))
        {
            var (revision, start) = ContinueToken.Decode(request.Continue);
            return (parts.Store.SnapshotAt(table, revision) ?? throw Refusals.Expired(
                "The provided continue parameter is too old to display a consistent list result. "
                + "You can start a new list without the continue parameter."), start);
        }

        if (request.ResourceVersionMatch == "Exact" && Revisions.Parse(request.ResourceVersion) is { } exact and > 0)
        {
            return (parts.Store.SnapshotAt(table, exact)
                ?? throw Refusals.Expired($"The resourceVersion for the provided list is too old: {exact}"), null);
        }

        var snapshot = parts.Store.Snapshot(table);
        if (Revisions.Parse(request.ResourceVersion) is { } wanted && wanted > snapshot.Revision)
        {
            throw Refusals.TooLargeVersion(wanted, snapshot.Revision);
        }

        return (snapshot, null);
    }
}

/// <summary>Resource versions as text.</summary>
internal static class Revisions
{
    /// <summary>Null when none is given.</summary>
    /// <exception cref="KubeException">400: it is no number.</exception>
    public static long? Parse(string? text) =>
        string.IsNullOrEmpty(text) ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision
        : throw Refusals.BadRequest($"Invalid value: \"{text}\": resourceVersion must be the number that a list or an object carried");
}

/// <summary>Where a list goes on: the state's revision and the last key delivered.</summary>
internal static class ContinueToken
{
    public static string Encode(long revision, ObjectKey last) => Base64Url.EncodeToString(
        Encoding.UTF8.GetBytes($$"""{"v":"meta.k8s.io/v1","rv":{{revision}},"start":"{{last.Namespace}}/{{last.Name}}"}"""));

    /// <exception cref="KubeException">400: not a token of ours.</exception>
    public static (long Revision, ObjectKey After) Decode(string token)
    {
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(token));
            var start = document.RootElement.GetProperty("start").GetString()!;
            var slash = start.IndexOf('/', StringComparison.Ordinal);
            return (document.RootElement.GetProperty("rv").GetInt64(), new ObjectKey(start[..slash], start[(slash + 1)..]));
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw Refusals.BadRequest("continue key is not valid: it must be the token of the previous page");
        }
    }
}
