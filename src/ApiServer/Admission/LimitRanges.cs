using System.Globalization;
using System.Text.Json.Nodes;
using k8s.Models;
using Knet.Api.Meta;
using Knet.ApiServer.Admission.Quota;
using Knet.ApiServer.Registry;
using Knet.ApiServer.Workloads.Scheduling;

namespace Knet.ApiServer.Admission;

/// <summary>LimitRanges: what containers of a namespace get when they ask for nothing, and the least and most that may be asked.</summary>
internal sealed class LimitRanges(RegistryParts parts)
{
    private const string Annotation = "kubernetes.io/limit-ranger";

    /// <summary>Adds the namespace's default requests and limits to the containers of a new pod, and notes so in its annotation.</summary>
    public void Complete(WriteContext write)
    {
        var notes = new List<string>();
        foreach (var item in Items(write.Namespace).Where(i => i.Type == "Container"))
        {
            foreach (var (member, words) in (ReadOnlySpan<(string, string)>)[("containers", "container"), ("initContainers", "init container")])
            {
                foreach (var container in write.Object.Object("spec").Items(member))
                {
                    AddMissing(container, "limits", "limit", item.DefaultProperty, words, notes);
                    AddMissing(container, "requests", "request", item.DefaultRequest, words, notes);
                }
            }
        }

        if (notes.Count > 0)
        {
            write.Object.Metadata().Ensure("annotations")[Annotation] = "LimitRanger plugin set: " + string.Join("; ", notes);
        }
    }

    /// <summary>Checks a new pod or a claim for storage.</summary>
    /// <exception cref="KubeException">403 with all that is out of the limits, in Kubernetes' words.</exception>
    public void Check(WriteContext write)
    {
        var resource = write.Hub.Type.GroupResource;
        if (write.Subresource.Length > 0 || !(resource == "persistentvolumeclaims" || (resource == "pods" && write.IsCreate)))
        {
            return;
        }

        var items = Items(write.Namespace).ToList();
        if (items.Count == 0)
        {
            return;
        }

        var found = new List<string>();
        var json = KubeJson.Serialize<JsonNode>(write.Object);
        if (resource == "pods")
        {
            CheckPod(KubeJson.Deserialize<V1Pod>(json).Spec, items, found);
        }
        else
        {
            var asked = Amounts.Of(KubeJson.Deserialize<V1PersistentVolumeClaim>(json).Spec?.Resources?.Requests);
            foreach (var item in items.Where(i => i.Type == "PersistentVolumeClaim"))
            {
                CheckBounds(item, asked, asked, found);
            }
        }

        if (found.Count > 0)
        {
            throw Refusals.Forbidden(
                write.Hub.Type, write.Name, found.Count == 1 ? found[0] : $"[{string.Join(", ", found.Distinct())}]");
        }
    }

    private IEnumerable<V1LimitRangeItem> Items(string ns) =>
        parts.Store.Snapshot("/limitranges").Range(ns).SelectMany(s => s.Document.As<V1LimitRange>().Spec?.Limits ?? []);

    private static void AddMissing(
        JsonObject container, string member, string word, IDictionary<string, ResourceQuantity>? defaults, string words, List<string> notes)
    {
        var list = container.Ensure("resources").Object(member);
        var added = new List<string>();
        foreach (var (name, amount) in defaults ?? new Dictionary<string, ResourceQuantity>())
        {
            if (list?[name] is null)
            {
                container.Ensure("resources").Ensure(member)[name] = amount.ToString();
                added.Add(name);
            }
        }

        if (added.Count > 0)
        {
            notes.Add($"{string.Join(", ", added.Order(StringComparer.Ordinal))} {word} for {words} {container.Text("name")}");
        }
    }

    private static void CheckPod(V1PodSpec spec, List<V1LimitRangeItem> items, List<string> found)
    {
        foreach (var item in items)
        {
            if (item.Type == "Container")
            {
                foreach (var container in spec.Containers.Concat(spec.InitContainers ?? []))
                {
                    CheckBounds(item, Amounts.Of(container.Resources?.Requests), Amounts.Of(container.Resources?.Limits), found);
                }
            }
            else if (item.Type == "Pod")
            {
                CheckBounds(item, Sum(PodResources.RequestsOf(spec), item), Sum(PodResources.LimitsOf(spec), item), found);
            }
        }
    }

    // The sums are written as the limits are.
    private static Amounts Sum(Dictionary<string, decimal> amounts, V1LimitRangeItem item)
    {
        var sum = new Amounts();
        foreach (var (name, value) in amounts)
        {
            var bound = item.Max?.TryGetValue(name, out var max) == true ? max : item.Min?.TryGetValue(name, out var min) == true ? min : null;
            sum.Add(name, value, bound is not null && Amounts.IsBinary(bound));
        }

        return sum;
    }

    private static void CheckBounds(V1LimitRangeItem item, Amounts requests, Amounts limits, List<string> found)
    {
        var isClaim = item.Type == "PersistentVolumeClaim";
        var (least, most, ratios) = (Amounts.Of(item.Min), Amounts.Of(item.Max), Amounts.Of(item.MaxLimitRequestRatio));
        foreach (var name in least.Names)
        {
            var what = $"minimum {name} usage per {item.Type} is {least.Text(name)}";
            Add(!requests.Names.Contains(name), $"{what}.  No request is specified");
            Add(requests.Names.Contains(name) && requests[name] < least[name], $"{what}, but request is {requests.Text(name)}");
            Add(!isClaim && limits.Names.Contains(name) && limits[name] < least[name], $"{what}, but limit is {limits.Text(name)}");
        }

        foreach (var name in most.Names)
        {
            var what = $"maximum {name} usage per {item.Type} is {most.Text(name)}";
            Add(!isClaim && !limits.Names.Contains(name), $"{what}.  No limit is specified");
            Add(!isClaim && limits.Names.Contains(name) && limits[name] > most[name], $"{what}, but limit is {limits.Text(name)}");
            Add(requests.Names.Contains(name) && requests[name] > most[name], $"{what}, but request is {requests.Text(name)}");
        }

        foreach (var name in ratios.Names)
        {
            var what = $"{name} max limit to request ratio per {item.Type} is {ratios.Text(name)}";
            var known = requests[name] > 0 && limits.Names.Contains(name);
            var ratio = known ? limits[name] / requests[name] : 0;
            Add(!known, $"{what}, but no request is specified or request is 0");
            Add(ratio > ratios[name], $"{what}, but provided ratio is {ratio.ToString("F6", CultureInfo.InvariantCulture)}");
        }

        void Add(bool wrong, string text)
        {
            if (wrong)
            {
                found.Add(text);
            }
        }
    }
}
