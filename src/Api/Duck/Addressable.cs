using System.Text.Json.Serialization;

namespace Knet.Api.Duck;

/// <summary>Where an object is reached from inside the cluster.</summary>
public sealed record Addressable
{
    /// <summary>Such as <c>http</c> or <c>https</c>, where there are several.</summary>
    public string? Name { get; init; }

    public string? Url { get; init; }

    /// <summary>Certificates, PEM, of the authorities that the address's own certificate is to be checked with.</summary>
    [JsonPropertyName("CACerts")]
    public string? CaCerts { get; init; }

    /// <summary>Whom a token for this address must be made for.</summary>
    public string? Audience { get; init; }
}
