namespace Knet.CloudEvents;

/// <summary>What an attribute's value was when it arrived. Binary mode has strings only; structured mode has numbers and booleans too.</summary>
public enum AttributeKind : byte
{
    String,

    /// <summary>A 32-bit signed integer; the text is its decimal form.</summary>
    Integer,

    /// <summary>The text is <c>true</c> or <c>false</c>.</summary>
    Boolean,
}

/// <summary>One context attribute or extension of an event.</summary>
/// <param name="Name">Lower-case letters and digits.</param>
/// <param name="Value">Its text, decoded: no percent-encoding, no control characters.</param>
/// <param name="Kind">The type that it had on the wire.</param>
public readonly record struct EventAttribute(string Name, string Value, AttributeKind Kind = AttributeKind.String);
