using Knet.Api.Eventing.Config;
using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>How events are delivered, retried and, in the end, put aside.</summary>
public sealed record DeliverySpec
{
    public const string Exponential = "exponential";
    public const string Linear = "linear";
    public const string Json = "json";
    public const string Binary = "binary";

    /// <summary>Where events go that could not be delivered.</summary>
    public Destination? DeadLetterSink { get; init; }

    /// <summary>Attempts after the first one; none when missing.</summary>
    public int? Retry { get; init; }

    /// <summary>The longest that one attempt may take, ISO 8601 such as <c>PT30S</c>; more than zero.</summary>
    public string? Timeout { get; init; }

    /// <summary><c>linear</c> or <c>exponential</c>.</summary>
    public string? BackoffPolicy { get; init; }

    /// <summary>The unit of the pauses between attempts, ISO 8601 such as <c>PT0.2S</c>.</summary>
    public string? BackoffDelay { get; init; }

    /// <summary>The longest <c>Retry-After</c> of a 429 or 503 that is honoured, ISO 8601; needs the flag delivery-retryafter.</summary>
    public string? RetryAfterMax { get; init; }

    /// <summary><c>json</c> (structured) or <c>binary</c>; as received when missing.</summary>
    public string? Format { get; init; }

    /// <inheritdoc cref="Destination.WithDefaults"/>
    public DeliverySpec WithDefaults(string? parentNamespace)
    {
        var sink = DeadLetterSink?.WithDefaults(parentNamespace);
        return ReferenceEquals(sink, DeadLetterSink) ? this : this with { DeadLetterSink = sink };
    }

    /// <param name="path">Where it stands, such as <c>spec.delivery</c>.</param>
    public void Validate(string path, EventingFeatures features, FieldErrors errors)
    {
        DeadLetterSink?.Validate($"{path}.deadLetterSink", errors);
        if (Retry < 0)
        {
            errors.Invalid(Retry, $"{path}.retry");
        }

        if (Timeout is not null && !features.DeliveryTimeout)
        {
            errors.Disallowed($"{path}.timeout");
        }
        else if (Timeout is not null && !(IsoDuration.TryParse(Timeout, out var timeout) && timeout > TimeSpan.Zero))
        {
            errors.Invalid(Timeout, $"{path}.timeout");
        }

        OneOf(BackoffPolicy, $"{path}.backoffPolicy", errors, Exponential, Linear);
        if (BackoffDelay is not null && !IsoDuration.TryParse(BackoffDelay, out _))
        {
            errors.Invalid(BackoffDelay, $"{path}.backoffDelay");
        }

        OneOf(Format, $"{path}.format", errors, Json, Binary);
        if (RetryAfterMax is not null && !features.DeliveryRetryAfter)
        {
            errors.Disallowed($"{path}.retryAfterMax");
        }
        else if (RetryAfterMax is not null && !(IsoDuration.TryParse(RetryAfterMax, out var longest) && longest >= TimeSpan.Zero))
        {
            errors.Invalid(RetryAfterMax, $"{path}.retryAfterMax");
        }
    }

    private static void OneOf(string? value, string path, FieldErrors errors, params string[] words)
    {
        if (value is not null && !words.Contains(value))
        {
            errors.Invalid(value, path);
        }
    }
}
