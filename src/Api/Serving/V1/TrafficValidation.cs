using Knet.Api.Meta;

namespace Knet.Api.Serving.V1;

/// <summary>Rules about traffic targets (serving.md 5.3).</summary>
internal static class TrafficValidation
{
    public static void Validate(List<TrafficTarget>? traffic, bool isWithinService, FieldErrors errors)
    {
        var tags = new Dictionary<string, int>(StringComparer.Ordinal);
        var sum = 0L;
        for (var i = 0; i < (traffic?.Count ?? 0); i++)
        {
            var target = traffic![i];
            var path = $"spec.traffic[{i}]";
            Target(target, isWithinService, path, errors);
            sum += target.Percent ?? 0;
            if (string.IsNullOrEmpty(target.Tag))
            {
                continue;
            }

            if (DnsNames.Check1035Label(target.Tag) is { } problem)
            {
                errors.Invalid($"not a DNS 1035 label: [{problem}]", $"{path}.tag[{i}]");
            }

            if (!tags.TryAdd(target.Tag, i))
            {
                errors.Add($"Multiple definitions for \"{target.Tag}\"", [$"{path}.tag", $"spec.traffic[{tags[target.Tag]}].tag"]);
            }
        }

        if (sum != 100)
        {
            errors.Add($"Traffic targets sum to {sum}, want 100", "spec.traffic");
        }
    }

    private static void Target(TrafficTarget target, bool isWithinService, string path, FieldErrors errors)
    {
        var revision = target.RevisionName ?? "";
        var configuration = target.ConfigurationName ?? "";
        if (target.LatestRevision is { } latest && revision.Length != 0 == latest)
        {
            errors.Add(
                $"may not set revisionName \"{revision}\" when latestRevision is {(latest ? "true" : "false")}", $"{path}.latestRevision");
        }

        if (isWithinService && configuration.Length != 0)
        {
            errors.Disallowed($"{path}.configurationName");
        }
        else if (revision.Length != 0 && configuration.Length != 0)
        {
            errors.MultipleOneOf($"{path}.revisionName", $"{path}.configurationName");
        }
        else if (revision.Length != 0)
        {
            Name(revision, $"{path}.revisionName", errors);
        }
        else if (configuration.Length != 0)
        {
            Name(configuration, $"{path}.configurationName", errors);
        }
        else if (!isWithinService)
        {
            errors.MissingOneOf($"{path}.revisionName", $"{path}.configurationName");
        }

        if (target.Percent is < 0 or > 100)
        {
            errors.OutOfBounds(target.Percent.Value, 0, 100, $"{path}.percent");
        }

        if (!string.IsNullOrEmpty(target.Url))
        {
            errors.Disallowed($"{path}.url");
        }
    }

    private static void Name(string name, string path, FieldErrors errors)
    {
        if (DnsNames.CheckQualifiedName(name) is { } problem)
        {
            errors.InvalidKey(name, path, problem);
        }
    }
}
