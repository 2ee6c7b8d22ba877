using Knet.Api.Serving;
using Knet.Kube.Config;

namespace Knet.Serving.Config;

/// <summary>ConfigMap <c>config-domain</c>: which Routes get which domain, by their labels.</summary>
public sealed record DomainConfig
{
    /// <summary>The domain of names inside the cluster.</summary>
    public const string ClusterDomain = "cluster.local";

    public const string ClusterLocal = "svc." + ClusterDomain;

    public static ConfigKind<DomainConfig> Kind { get; } = new("config-domain", Parse);

    /// <summary>Domain to selector; an empty selector matches every Route.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Domains { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string>> { [ClusterLocal] = new Dictionary<string, string>() };

    /// <summary>The domain whose selector says most about the labels; the smaller name among equals.</summary>
    public string DomainFor(IDictionary<string, string>? labels)
    {
        if (labels is not null && labels.TryGetValue(NetworkingKeys.Visibility, out var visibility) &&
            visibility == NetworkingKeys.ClusterLocal)
        {
            return ClusterLocal;
        }

        var (best, specificity) = ("", -1);
        foreach (var (domain, selector) in Domains)
        {
            if (selector.Count >= specificity && selector.All(s => labels?.TryGetValue(s.Key, out var value) == true && value == s.Value) &&
                (selector.Count > specificity || string.CompareOrdinal(domain, best) < 0))
            {
                (best, specificity) = (domain, selector.Count);
            }
        }

        return best;
    }

    /// <inheritdoc cref="DefaultsConfigMap.Parse"/>
    public static DomainConfig Parse(IReadOnlyDictionary<string, string> data)
    {
        var domains = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (domain, value) in data)
        {
            if (domain != ConfigExample.Key)
            {
                domains[domain] = Selector(domain, value);
            }
        }

        if (domains.Values.All(s => s.Count > 0))
        {
            domains[ClusterLocal] = new Dictionary<string, string>();
        }

        return new DomainConfig { Domains = domains };
    }

    // The little YAML that stands here: "selector:" with indented "label: value" lines, and "type: wildcard".
    private static Dictionary<string, string> Selector(string domain, string value)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        var isInSelector = false;
        foreach (var line in value.Split('\n'))
        {
            var text = line.Split('#')[0].Trim();
            if (text.Length == 0)
            {
                continue;
            }

            var colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                throw ConfigReader.Bad(domain, text, "\"\" or a selector: with lines of label: value");
            }

            var (key, rest) = (text[..colon].Trim(), text[(colon + 1)..].Trim().Trim('"', '\''));
            if (!char.IsWhiteSpace(line[0]))
            {
                isInSelector = key == "selector";
                if (key is not ("selector" or "type"))
                {
                    throw ConfigReader.Bad(domain, key, "selector or type");
                }
            }
            else if (isInSelector)
            {
                result[key.Trim('"', '\'')] = rest;
            }
        }

        return result;
    }
}
