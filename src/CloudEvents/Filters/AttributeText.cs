namespace Knet.CloudEvents.Filters;

/// <summary>Attributes as filters see them. Not the same for the old and the new kind of filter, as upstream.</summary>
internal static class AttributeText
{
    /// <summary>For <c>filters</c>: the value as text, null when the attribute is missing.</summary>
    public static string? Formatted(CloudEvent cloudEvent, string name) => cloudEvent.TryGet(Canonical(cloudEvent, name), out var a) ? a.Value : null;

    /// <summary>
    /// For <c>filter.attributes</c>: optional attributes that are absent read as "" (an absent time as the year 1), and an extension that
    /// arrived as a number or a boolean equals no text.
    /// </summary>
    /// <param name="isFound">Whether the key exists at all; absent extensions do not.</param>
    public static string? Legacy(CloudEvent cloudEvent, string name, out bool isFound)
    {
        isFound = true;
        if (cloudEvent.TryGet(Canonical(cloudEvent, name), out var attribute))
        {
            return attribute.Kind == AttributeKind.String ? attribute.Value : null;
        }
        switch (name)
        {
            case AttributeNames.Subject or AttributeNames.DataSchema or AttributeNames.SchemaUrl or AttributeNames.DataContentType
                or "datamediatype" or AttributeNames.DataContentEncoding:
                return "";
            case AttributeNames.Time:
                return "0001-01-01T00:00:00Z";
            default:
                isFound = false;
                return null;
        }
    }

    private static string Canonical(CloudEvent cloudEvent, string name) => name switch
    {
        AttributeNames.SchemaUrl when cloudEvent.SpecVersion == "1.0" => AttributeNames.DataSchema,
        AttributeNames.DataSchema when cloudEvent.SpecVersion == "0.3" => AttributeNames.SchemaUrl,
        _ => name,
    };
}
