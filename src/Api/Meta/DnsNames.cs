using System.Text.RegularExpressions;

namespace Knet.Api.Meta;

/// <summary>Kubernetes' rules for names, with Kubernetes' messages.</summary>
public static partial class DnsNames
{
    private const string Label1035Message =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an " +
        "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    private const string Subdomain1123Message =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'example.com', regex used for validation is " +
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private const string QualifiedNameMessage =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. " +
        "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    /// <summary>Null for a good label, else what is wrong with it. A prefix (generateName) may end with a hyphen.</summary>
    public static string? Check1035Label(string name, bool isPrefix = false)
    {
        var text = isPrefix && name.EndsWith('-') ? name[..^1] + "a" : name;
        var problems = new List<string>(2);
        if (text.Length > 63)
        {
            problems.Add("must be no more than 63 characters");
        }

        if (!Label1035().IsMatch(text))
        {
            problems.Add(Label1035Message);
        }

        return problems.Count == 0 ? null : string.Join(' ', problems);
    }

    public static bool Is1123Label(string name) => name.Length <= 63 && Label1123().IsMatch(name);

    /// <summary>Null for a good subdomain, else what is wrong with it.</summary>
    public static string? Check1123Subdomain(string name) =>
        name.Length > 253 ? "must be no more than 253 characters" : Subdomain1123().IsMatch(name) ? null : Subdomain1123Message;

    /// <summary>Null for a good name without prefix, else what is wrong with it.</summary>
    public static string? CheckQualifiedName(string name) =>
        name.Length > 63 ? "name part must be no more than 63 characters" : QualifiedName().IsMatch(name) ? null : QualifiedNameMessage;

    /// <summary>Labels of at most 63 characters, at least two of them, 253 in all.</summary>
    public static bool IsFullyQualified(string domain) =>
        domain.Length is > 0 and <= 253 && domain.Contains('.', StringComparison.Ordinal) && domain.Split('.').All(Is1123Label);

    [GeneratedRegex("^[a-z]([-a-z0-9]*[a-z0-9])?$", RegexOptions.CultureInvariant)]
    private static partial Regex Label1035();

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", RegexOptions.CultureInvariant)]
    private static partial Regex Label1123();

    [GeneratedRegex(@"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", RegexOptions.CultureInvariant)]
    private static partial Regex Subdomain1123();

    [GeneratedRegex("^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$", RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedName();
}
