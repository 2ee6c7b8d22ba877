using System.Text.RegularExpressions;

namespace Knet.Api.Meta;

/// <summary>Kubernetes' rules for names and labels, with Kubernetes' messages.</summary>
/// <remarks>The patterns end in <c>\z</c>: <c>$</c> would let a line break at the end pass.</remarks>
public static partial class DnsNames
{
    /// <summary>What a name that is no DNS-1035 label is told.</summary>
    public const string Label1035Message =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an " +
        "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    /// <summary>What a name that is no lowercase RFC 1123 subdomain is told.</summary>
    public const string Subdomain1123Message =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'example.com', regex used for validation is " +
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    /// <summary>What a key of labels or annotations is told.</summary>
    public const string QualifiedNameMessage =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. " +
        "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    /// <summary>What a name that is no lowercase RFC 1123 label is told.</summary>
    public const string Label1123Message =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
        "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    /// <summary>What the value of a label is told.</summary>
    public const string LabelValueMessage =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
        "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

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

    /// <summary>At most 63 lower-case letters, digits and hyphens, beginning with a letter: names of Services.</summary>
    public static bool Is1035Label(string name) => name.Length <= 63 && Label1035().IsMatch(name);

    /// <summary>At most 63 lower-case letters, digits and hyphens: names of namespaces, containers, volumes.</summary>
    public static bool Is1123Label(string name) => name.Length <= 63 && Label1123().IsMatch(name);

    /// <summary>Such labels with dots between them, 253 characters in all: names of most objects.</summary>
    public static bool Is1123Subdomain(string name) => name.Length <= 253 && Subdomain1123().IsMatch(name);

    /// <summary>A key of labels or annotations: <c>name</c> or <c>prefix.example/name</c>.</summary>
    public static bool IsQualifiedName(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return CheckQualifiedName(key[(slash + 1)..]) is null && (slash < 0 || Is1123Subdomain(key[..slash]));
    }

    /// <summary>The characters that a label's value may have; how many (63) is not looked at.</summary>
    public static bool HasLabelCharacters(string value) => value.Length == 0 || QualifiedName().IsMatch(value);

    /// <summary>Null for a good subdomain, else what is wrong with it.</summary>
    public static string? Check1123Subdomain(string name) =>
        name.Length > 253 ? "must be no more than 253 characters" : Subdomain1123().IsMatch(name) ? null : Subdomain1123Message;

    /// <summary>Null for a good name without prefix, else what is wrong with it.</summary>
    public static string? CheckQualifiedName(string name) =>
        name.Length > 63 ? "name part must be no more than 63 characters" : QualifiedName().IsMatch(name) ? null : QualifiedNameMessage;

    /// <summary>Labels of at most 63 characters, at least two of them, 253 in all.</summary>
    public static bool IsFullyQualified(string domain) =>
        domain.Length is > 0 and <= 253 && domain.Contains('.', StringComparison.Ordinal) && domain.Split('.').All(Is1123Label);

    [GeneratedRegex(@"\A[a-z]([-a-z0-9]*[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Label1035();

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Label1123();

    [GeneratedRegex(@"\A[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex Subdomain1123();

    [GeneratedRegex(@"\A([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\z", RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedName();
}
