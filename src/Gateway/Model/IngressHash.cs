using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using Knet.Api.Networking.V1Alpha1;

namespace Knet.Gateway.Model;

/// <summary>
/// The hash by which a prober sees that an Ingress is in force: SHA-256 of the spec's JSON as Go writes it, then namespace and name
/// (serving.md 9.6; byte-exact, so that probers of others agree).
/// </summary>
public static class IngressHash
{
    public static string Compute(KnIngress ingress)
    {
        var json = new StringBuilder();
        Spec(json, ingress.Spec);
        json.Append(ingress.Metadata.NamespaceProperty).Append(ingress.Metadata.Name);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json.ToString())));
    }

    private static void Spec(StringBuilder json, IngressSpec spec)
    {
        var members = new Members(json);
        if (spec.Tls is { Count: > 0 } tls)
        {
            members.List("tls", tls, static (j, t) =>
            {
                var of = new Members(j);
                of.Strings("hosts", t.Hosts);
                of.Text("secretName", t.SecretName);
                of.Text("secretNamespace", t.SecretNamespace);
                of.End();
            });
        }

        if (spec.Rules is { Count: > 0 } rules)
        {
            members.List("rules", rules, Rule);
        }

        members.Text("httpOption", spec.HttpOption);
        members.End();
    }

    private static void Rule(StringBuilder json, IngressRule rule)
    {
        var members = new Members(json);
        members.Strings("hosts", rule.Hosts);
        members.Text("visibility", rule.Visibility);
        if (rule.Http is { } http)
        {
            members.Name("http");
            var of = new Members(json);
            of.List("paths", http.Paths, Path);
            of.End();
        }

        members.End();
    }

    private static void Path(StringBuilder json, HttpIngressPath path)
    {
        var members = new Members(json);
        members.Text("path", path.Path);
        members.Text("rewriteHost", path.RewriteHost);
        if (path.Headers is { Count: > 0 } headers)
        {
            members.Name("headers");
            var of = new Members(json);
            foreach (var (name, match) in headers.OrderBy(h => h.Key, StringComparer.Ordinal))
            {
                of.Name(name);
                var exact = new Members(json);
                exact.Always("exact", match.Exact);
                exact.End();
            }

            of.End();
        }

        members.List("splits", path.Splits, Split);
        members.Map("appendHeaders", path.AppendHeaders);
        members.End();
    }

    private static void Split(StringBuilder json, IngressBackendSplit split)
    {
        var members = new Members(json);
        members.Always("serviceNamespace", split.ServiceNamespace);
        members.Always("serviceName", split.ServiceName);
        members.Name("servicePort");
        if (int.TryParse((string)split.ServicePort, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            json.Append(port);
        }
        else
        {
            Quote(json, (string)split.ServicePort);
        }

        if (split.Percent is > 0)
        {
            members.Name("percent");
            json.Append(split.Percent.Value);
        }

        members.Map("appendHeaders", split.AppendHeaders);
        members.End();
    }

    // Go escapes what could end a script element, and the two line separators of JavaScript.
    private static void Quote(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    json.Append('\\').Append(c);
                    break;
                case '\n':
                    json.Append("\\n");
                    break;
                case '\r':
                    json.Append("\\r");
                    break;
                case '\t':
                    json.Append("\\t");
                    break;
                case '\b':
                    json.Append("\\b");
                    break;
                case '\f':
                    json.Append("\\f");
                    break;
                case < ' ' or '<' or '>' or '&' or '\u2028' or '\u2029':
                    json.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                    break;
                default:
                    json.Append(c);
                    break;
            }
        }

        json.Append('"');
    }

    /// <summary>Writes the members of one object, leaving out what is empty.</summary>
    private struct Members
    {
        private readonly StringBuilder _json;
        private bool _any;

        public Members(StringBuilder json)
        {
            _json = json;
            json.Append('{');
        }

        public void Name(string name)
        {
            if (_any)
            {
                _json.Append(',');
            }

            _any = true;
            Quote(_json, name);
            _json.Append(':');
        }

        public void Always(string name, string? value)
        {
            Name(name);
            Quote(_json, value ?? "");
        }

        public void Text(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                Always(name, value);
            }
        }

        public void Strings(string name, List<string>? values)
        {
            if (values is { Count: > 0 })
            {
                List(name, values, Quote);
            }
        }

        public void Map(string name, IDictionary<string, string>? values)
        {
            if (values is not { Count: > 0 })
            {
                return;
            }

            Name(name);
            var of = new Members(_json);
            foreach (var (key, value) in values.OrderBy(v => v.Key, StringComparer.Ordinal))
            {
                of.Always(key, value);
            }

            of.End();
        }

        public void List<T>(string name, List<T> values, Action<StringBuilder, T> write)
        {
            Name(name);
            _json.Append('[');
            for (var i = 0; i < values.Count; i++)
            {
                if (i > 0)
                {
                    _json.Append(',');
                }

                write(_json, values[i]);
            }

            _json.Append(']');
        }

        public readonly void End() => _json.Append('}');
    }
}
