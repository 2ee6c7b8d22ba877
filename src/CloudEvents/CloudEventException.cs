namespace Knet.CloudEvents;

/// <summary>An event that cannot be taken. The message names the attribute or header, what is wrong and what would be right.</summary>
/// <param name="statusCode">What the sender gets: 400, 413 (too large) or 415 (a content type that is not known).</param>
public sealed class CloudEventException(int statusCode, string message) : Exception(message)
{
    /// <summary>What the sender gets.</summary>
    public int StatusCode { get; } = statusCode;

    internal static CloudEventException Bad(string message) => new(400, message);

    internal static CloudEventException TooLarge(long limit) => new(413, $"the event is larger than the limit of {limit} bytes");
}
