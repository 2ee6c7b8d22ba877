using System.Diagnostics.CodeAnalysis;

namespace Knet.CloudEvents;

/// <summary>
/// An event as it goes through a broker: its attributes as text, its data as the bytes that came. Immutable; a valid one always has
/// <c>id</c>, <c>source</c>, <c>type</c> and <c>specversion</c> (1.0 or 0.3, never upgraded).
/// </summary>
/// <remarks>The data is neither parsed nor copied, and with about a dozen attributes a list is searched, not a map.</remarks>
public sealed class CloudEvent
{
    private readonly EventAttribute[] _attributes;

    private CloudEvent(EventAttribute[] attributes, ReadOnlyMemory<byte> data)
    {
        _attributes = attributes;
        Data = data;
        SpecVersion = Find(AttributeNames.SpecVersion) ?? "";
        Id = Find(AttributeNames.Id) ?? "";
        Source = Find(AttributeNames.Source) ?? "";
        Type = Find(AttributeNames.Type) ?? "";
    }

    public string SpecVersion { get; }

    public string Id { get; }

    public string Source { get; }

    public string Type { get; }

    /// <summary>The media type of <see cref="Data"/>; absent in structured mode means JSON.</summary>
    public string? DataContentType => Find(AttributeNames.DataContentType);

    /// <summary>The data as it came; empty when there was none.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>All attributes and extensions, in the order in which they came.</summary>
    public IReadOnlyList<EventAttribute> Attributes => _attributes;

    internal ReadOnlySpan<EventAttribute> Span => _attributes;

    /// <summary>Checks and takes attributes.</summary>
    /// <exception cref="CloudEventException">One is missing, given twice, or not what the specification allows.</exception>
    public static CloudEvent Create(IEnumerable<EventAttribute> attributes, ReadOnlyMemory<byte> data = default) =>
        Validated([.. attributes], data);

    /// <summary>For tests and for sources: an event of version 1.0.</summary>
    /// <exception cref="CloudEventException">An attribute is not what the specification allows.</exception>
    public static CloudEvent Create(string id, string source, string type, ReadOnlyMemory<byte> data = default, string? dataContentType = null)
    {
        var attributes = new List<EventAttribute>
        {
            new(AttributeNames.SpecVersion, "1.0"), new(AttributeNames.Id, id), new(AttributeNames.Source, source), new(AttributeNames.Type, type),
        };
        if (dataContentType is not null)
        {
            attributes.Add(new(AttributeNames.DataContentType, dataContentType));
        }
        return Validated([.. attributes], data);
    }

    /// <summary>The value of an attribute or extension as text, or null.</summary>
    /// <param name="name">Lower-case.</param>
    public string? Find(string name) => TryGet(name, out var attribute) ? attribute.Value : null;

    /// <summary>An attribute or extension with the type that it had on the wire.</summary>
    /// <param name="name">Lower-case.</param>
    public bool TryGet(string name, [MaybeNullWhen(false)] out EventAttribute attribute)
    {
        foreach (ref readonly var candidate in _attributes.AsSpan())
        {
            if (ReferenceEquals(candidate.Name, name) || candidate.Name == name)
            {
                attribute = candidate;
                return true;
            }
        }
        attribute = default;
        return false;
    }

    /// <summary>This event with an attribute set, in the place of the one of that name if there is one.</summary>
    /// <exception cref="CloudEventException">The name or value is not allowed.</exception>
    public CloudEvent With(string name, string value, AttributeKind kind = AttributeKind.String) => WithAll([new(name, value, kind)]);

    /// <summary>This event with several attributes set.</summary>
    /// <exception cref="CloudEventException">A name or value is not allowed.</exception>
    public CloudEvent WithAll(params ReadOnlySpan<EventAttribute> added)
    {
        var attributes = new List<EventAttribute>(_attributes.Length + added.Length);
        attributes.AddRange(_attributes);
        foreach (var attribute in added)
        {
            EventRules.Check(attribute);
            var at = attributes.FindIndex(a => a.Name == attribute.Name);
            if (at < 0)
            {
                attributes.Add(attribute);
            }
            else
            {
                attributes[at] = attribute;
            }
        }
        return new([.. attributes], Data);
    }

    /// <summary>This event without an extension.</summary>
    public CloudEvent Without(string name) => TryGet(name, out _) ? new([.. _attributes.Where(a => a.Name != name)], Data) : this;

    internal static CloudEvent Validated(EventAttribute[] attributes, ReadOnlyMemory<byte> data)
    {
        EventRules.Check(attributes);
        return new(attributes, data);
    }

    /// <summary>From our own records, which hold only what was checked before.</summary>
    internal static CloudEvent Trusted(EventAttribute[] attributes, ReadOnlyMemory<byte> data) => new(attributes, data);
}
