using Knet.Api.Meta;
using Knet.Api.Networking.V1Alpha1;

namespace Knet.Serving.Webhook;

/// <summary>Defaults and checks Ingresses, which other programs than our Routes may write too.</summary>
internal static class IngressAdmission
{
    /// <summary>Rules are external unless they say otherwise; a lone split takes all; plain HTTP is allowed.</summary>
    public static KnIngress WithDefaults(KnIngress ingress)
    {
        var spec = ingress.Spec;
        var isComplete = !string.IsNullOrEmpty(spec.HttpOption) && (spec.Rules ?? []).TrueForAll(IsComplete);
        return isComplete
            ? ingress
            : ingress with
            {
                Spec = spec with
                {
                    HttpOption = string.IsNullOrEmpty(spec.HttpOption) ? "Enabled" : spec.HttpOption,
                    Rules = spec.Rules is null ? null : [.. spec.Rules.Select(WithDefaults)],
                },
            };
    }

    public static void Validate(KnIngress ingress, FieldErrors errors)
    {
        if (ingress.Spec.Rules is not { Count: > 0 } rules)
        {
            errors.Missing("spec.rules");
            return;
        }

        for (var i = 0; i < rules.Count; i++)
        {
            if (rules[i].Http is not { Paths.Count: > 0 } http)
            {
                errors.Missing($"spec.rules[{i}].http.paths");
                continue;
            }

            for (var j = 0; j < http.Paths.Count; j++)
            {
                Path(http.Paths[j], $"spec.rules[{i}].http.paths[{j}]", errors);
            }
        }
    }

    private static void Path(HttpIngressPath path, string at, FieldErrors errors)
    {
        if (path.Splits.Count == 0)
        {
            errors.Missing($"{at}.splits");
            return;
        }

        var sum = 0;
        for (var i = 0; i < path.Splits.Count; i++)
        {
            var split = path.Splits[i];
            sum += split.Percent ?? 0;
            if (split.Percent is < 0 or > 100)
            {
                errors.Invalid(split.Percent, $"{at}.splits[{i}].percent");
            }

            if (split.ServiceName.Length == 0)
            {
                errors.Missing($"{at}.splits[{i}].serviceName");
            }

            if (split.ServiceNamespace.Length == 0)
            {
                errors.Missing($"{at}.splits[{i}].serviceNamespace");
            }
        }

        if (sum != 100)
        {
            errors.Add($"traffic split percentage must total to 100, but was {sum}", $"{at}.splits");
        }
    }

    private static bool IsComplete(IngressRule rule) => !string.IsNullOrEmpty(rule.Visibility) &&
        (rule.Http?.Paths ?? []).TrueForAll(p => p.Splits is not [{ Percent: null or 0 }]);

    private static IngressRule WithDefaults(IngressRule rule) => rule with
    {
        Visibility = string.IsNullOrEmpty(rule.Visibility) ? "ExternalIP" : rule.Visibility,
        Http = rule.Http is null
            ? null
            : rule.Http with
            {
                Paths =
                [
                    .. rule.Http.Paths.Select(p =>
                        p.Splits is [{ Percent: null or 0 } lone] ? p with { Splits = [lone with { Percent = 100 }] } : p),
                ],
            },
    };
}
