namespace Knet.Gateway.Tls.Acme;

/// <summary>An ACME server refused, in its own words.</summary>
/// <param name="type">The problem's type (RFC 8555, 6.7), such as <c>urn:ietf:params:acme:error:badNonce</c>; empty when there is none.</param>
internal sealed class AcmeException(string message, string type = "") : Exception(message)
{
    public string Type { get; } = type;
}
