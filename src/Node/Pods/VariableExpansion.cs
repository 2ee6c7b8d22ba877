using System.Text;

namespace Knet.Node.Pods;

/// <summary>Kubernetes' <c>$(NAME)</c> in command, args and env: known names are replaced, unknown ones stay, <c>$$</c> is a dollar.</summary>
internal static class VariableExpansion
{
    public static string Expand(string text, Func<string, string?> lookup)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        var at = 0;
        while (at < text.Length)
        {
            var next = at + 1 < text.Length ? text[at + 1] : '\0';
            if (text[at] != '$' || next is not ('$' or '('))
            {
                result.Append(text[at++]);
                continue;
            }

            if (next == '$')
            {
                result.Append('$');
                at += 2;
                continue;
            }

            var end = text.IndexOf(')', at + 2);
            if (end < 0)
            {
                result.Append(text, at, 2);
                at += 2;
                continue;
            }

            result.Append(lookup(text[(at + 2)..end]) ?? text[at..(end + 1)]);
            at = end + 1;
        }

        return result.ToString();
    }
}
