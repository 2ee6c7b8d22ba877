namespace Knet.ApiServer.Http.Wire;

/// <summary>What form of an answer the client asks for.</summary>
internal enum AnswerForm
{
    /// <summary>The object or list itself.</summary>
    Object,

    /// <summary>A <c>meta.k8s.io/v1 Table</c>.</summary>
    Table,

    /// <summary>Metadata only: <c>PartialObjectMetadata</c>, or a list of these.</summary>
    Metadata,
}

/// <summary>One entry of an Accept header.</summary>
internal sealed record MediaRange(string Type, IReadOnlyDictionary<string, string> Parameters)
{
    public string? this[string parameter] => Parameters.GetValueOrDefault(parameter);

    /// <summary>The entries in the order given; an empty header accepts anything.</summary>
    public static IReadOnlyList<MediaRange> Parse(string? accept)
    {
        if (string.IsNullOrWhiteSpace(accept))
        {
            return [new("*/*", new Dictionary<string, string>())];
        }

        return [.. accept.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ParseOne)];
    }

    /// <summary>The first form the client accepts that we can give, or null.</summary>
    public static AnswerForm? Choose(string? accept)
    {
        foreach (var range in Parse(accept))
        {
            if (range.Type is not ("application/json" or "*/*" or "application/*"))
            {
                continue;
            }

            switch (range["as"])
            {
                case "Table" when range["g"] == "meta.k8s.io" && range["v"] is "v1" or "v1beta1":
                    return AnswerForm.Table;
                case "PartialObjectMetadata" or "PartialObjectMetadataList" when range["g"] == "meta.k8s.io" && range["v"] is "v1" or "v1beta1":
                    return AnswerForm.Metadata;
                case null:
                    return AnswerForm.Object;
            }
        }

        return null;
    }

    private static MediaRange ParseOne(string text)
    {
        var parts = text.Split(';', StringSplitOptions.TrimEntries);
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in parts.Skip(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                parameters[part[..equals]] = part[(equals + 1)..].Trim('"');
            }
        }

        return new(parts[0].ToLowerInvariant(), parameters);
    }
}
