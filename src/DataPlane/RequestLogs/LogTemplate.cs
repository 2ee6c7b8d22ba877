using System.Text;

namespace Knet.DataPlane.RequestLogs;

/// <summary>
/// The template of a request log: the part of Go's text templates that says what one line has. Text, fields (<c>.Request.Method</c>,
/// <c>.Request.Header.Get "X"</c>), pipelines, <c>if</c>, <c>else if</c>, <c>with</c>, comments, trim marks, and the functions of
/// <see cref="TemplateFunctions"/>. Variables, <c>range</c> and templates within templates are refused.
/// </summary>
/// <example><code>LogTemplate.Parse("{{js .Request.RequestURI}} {{.Response.Code}}").Render(RequestLogEntry.Example)</code></example>
public sealed class LogTemplate
{
    private readonly IReadOnlyList<TemplateNode> _nodes;

    private LogTemplate(IReadOnlyList<TemplateNode> nodes) => _nodes = nodes;

    /// <exception cref="FormatException">The text is no such template; the message says where and why.</exception>
    public static LogTemplate Parse(string text) => new(new TemplateParser(text).Parse());

    /// <summary>The line of one request, without a line feed of its own.</summary>
    /// <exception cref="FormatException">A field that the entry does not have, or a function that cannot take its arguments.</exception>
    public string Render(RequestLogEntry entry)
    {
        var output = new StringBuilder();
        foreach (var node in _nodes)
        {
            node.Render(entry, entry, output);
        }

        return output.ToString();
    }
}
