using System.Collections.Frozen;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using k8s.Models;

namespace Knet.Api.Schema;

/// <summary>
/// What <c>kubectl explain</c> says of a field: the XML comments of our own records, read from the file that the compiler puts beside
/// the assembly, and a sentence for those fields of Kubernetes' own parts that people look up most.
/// </summary>
internal static partial class FieldDescriptions
{
    private static readonly Lazy<FrozenDictionary<string, string>> Comments = new(Read);

    // In our words; by type and JSON name's property.
    private static readonly FrozenDictionary<(Type, string), string> Container = new Dictionary<string, string>
    {
        [nameof(V1Container.Args)] = "Arguments of the command; the image's own when missing. $(NAME) stands for an environment variable.",
        [nameof(V1Container.Command)] = "The program and its first arguments, run without a shell; the image's entrypoint when missing.",
        [nameof(V1Container.Env)] = "Environment variables, in order; later ones win and may refer to earlier ones.",
        [nameof(V1Container.EnvFrom)] = "ConfigMaps and Secrets all of whose keys become environment variables; env wins over them.",
        [nameof(V1Container.Image)] = "The image's reference. A tag is resolved to a digest when the Revision is made.",
        [nameof(V1Container.ImagePullPolicy)] = "Always, IfNotPresent or Never. Default: Always for the tag latest, else IfNotPresent.",
        [nameof(V1Container.LivenessProbe)] = "While the container runs: a probe whose failure restarts it.",
        [nameof(V1Container.Name)] = "Unique within the pod, a DNS label. Default from config-defaults.",
        [nameof(V1Container.Ports)] = "The one port that serves requests, named http1 (default) or h2c; see $PORT.",
        [nameof(V1Container.ReadinessProbe)] = "A probe that must pass before the instance gets requests. Default: a TCP connection to the port.",
        [nameof(V1Container.Resources)] = "Processor and memory: requests are reserved, limits are enforced.",
        [nameof(V1Container.SecurityContext)] = "User, capabilities and other rights of the program.",
        [nameof(V1Container.StartupProbe)] = "A probe that must pass before the others begin.",
        [nameof(V1Container.TerminationMessagePath)] = "The file whose end becomes the container's last message.",
        [nameof(V1Container.VolumeMounts)] = "Where the pod's volumes appear in the container.",
        [nameof(V1Container.WorkingDir)] = "The program's working directory; the image's own when missing.",
    }.ToFrozenDictionary(p => (typeof(V1Container), p.Key), p => p.Value);

    /// <summary>The text of a type or property; null when there is none.</summary>
    public static string? Find(MemberInfo member)
    {
        if (member.DeclaringType is { } owner && Container.TryGetValue((owner, member.Name), out var known))
        {
            return known;
        }

        var id = member is Type type ? $"T:{type.FullName}" : $"P:{member.DeclaringType?.FullName}.{member.Name}";
        return Comments.Value.GetValueOrDefault(id);
    }

    private static FrozenDictionary<string, string> Read()
    {
        var file = Path.Combine(AppContext.BaseDirectory, $"{typeof(FieldDescriptions).Assembly.GetName().Name}.xml");
        if (!File.Exists(file))
        {
            return FrozenDictionary<string, string>.Empty;
        }

        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var member in XDocument.Load(file).Descendants("member"))
        {
            if (member.Attribute("name")?.Value is { } name && member.Element("summary") is { } summary)
            {
                texts[name] = Text(summary);
            }
        }

        return texts.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static string Text(XElement summary)
    {
        var parts = summary.Nodes().Select(n => n switch
        {
            XText text => text.Value,
            XElement { Name.LocalName: "see" or "seealso" } see => see.Attribute("cref")?.Value.Split('.', ':')[^1] ?? see.Value,
            XElement element => element.Value,
            _ => "",
        });
        return Spaces().Replace(string.Concat(parts), " ").Trim();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
