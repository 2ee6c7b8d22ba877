using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization;
using Knet.Api.Meta;

namespace Knet.Api.Duck;

/// <summary>Where events go: an object that has an address, a URI, or a URI relative to an object's address.</summary>
public sealed record Destination
{
    public KReference? Ref { get; init; }

    /// <summary>Absolute without a <see cref="Ref"/>; with one it is relative to the object's address.</summary>
    public string? Uri { get; init; }

    /// <summary>Certificates, PEM, of the authorities that the destination is checked with; instead of those of its address.</summary>
    [JsonPropertyName("CACerts")]
    public string? CaCerts { get; init; }

    /// <summary>Whom a token for the destination is made for; instead of that of its address.</summary>
    public string? Audience { get; init; }

    /// <summary>The destination with the namespace of the object that refers, where its reference names none.</summary>
    public Destination WithDefaults(string? parentNamespace) =>
        Ref is { } reference && string.IsNullOrEmpty(reference.Namespace)
            ? this with { Ref = reference.WithDefaults(parentNamespace) }
            : this;

    /// <param name="path">Where the destination stands, such as <c>spec.subscriber</c>.</param>
    /// <param name="groupAllowed">As in <see cref="KReference.Validate"/>.</param>
    public void Validate(string path, FieldErrors errors, bool groupAllowed = false)
    {
        var isAbsolute = IsAbsolute(Uri, out var hasHost);
        switch (Ref, Uri)
        {
            case (null, null):
                errors.Add("expected at least one, got none", [$"{path}.ref", $"{path}.uri"]);
                break;
            case (not null, not null) when isAbsolute:
                errors.Add(
                    "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present",
                    [$"{path}.[apiVersion, kind, name]", $"{path}.ref", $"{path}.uri"]);
                break;
            case (null, not null) when !isAbsolute || !hasHost:
                errors.Invalid("Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent", $"{path}.uri");
                break;
            case (not null, null):
                Ref.Validate("", $"{path}.ref", errors, groupAllowed);
                break;
        }

        if (!string.IsNullOrEmpty(CaCerts) && FindCertificateProblem(CaCerts) is { } problem)
        {
            errors.Invalid(problem, $"{path}.CACerts");
        }
    }

    private static bool IsAbsolute(string? text, out bool hasHost)
    {
        hasHost = false;
        if (text is null || text.StartsWith('/') || !System.Uri.TryCreate(text, UriKind.Absolute, out var uri))
        {
            return false;
        }

        hasHost = uri.Host.Length > 0;
        return true;
    }

    private static string? FindCertificateProblem(string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
            return certificates.Count > 0 ? null : "CA Cert provided is invalid: no certificate in PEM form";
        }
        catch (CryptographicException e)
        {
            return $"CA Cert provided is invalid: {e.Message}";
        }
        finally
        {
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }
        }
    }
}
