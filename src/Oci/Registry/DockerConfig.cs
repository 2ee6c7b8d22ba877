using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using Knet.Oci.References;

namespace Knet.Oci.Registry;

/// <summary>
/// Finds the credentials for an image in a pull secret: the contents of <c>.dockerconfigjson</c> (Docker's config.json) or <c>.dockercfg</c>
/// (its older form, the map alone). Which entries fit an image is kubelet's rule: kubernetes.io/docs/concepts/containers/images.
/// </summary>
public static class DockerConfig
{
    /// <summary>The credentials that fit the image, the most specific first.</summary>
    /// <param name="json">The secret's value.</param>
    /// <param name="reference">The image, as written in the pod.</param>
    /// <exception cref="ImageException">The JSON is not a Docker configuration, or the reference is none.</exception>
    public static IReadOnlyList<RegistryCredentials> CredentialsFor(string json, string reference)
    {
        var image = ImageReference.Parse(reference);
        return
        [
            .. Entries(json)
                .Where(e => e.Value is not null && Fits(e.Key, image))
                .OrderByDescending(e => Pattern(e.Key), StringComparer.Ordinal)
                .Select(e => Credentials(e.Key, e.Value!))
                .OfType<RegistryCredentials>(),
        ];
    }

    private static IReadOnlyDictionary<string, DockerConfigEntry?> Entries(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("auths", out _)
                ? document.Deserialize(RegistryJsonContext.Default.DockerConfigFile)?.Auths ?? new Dictionary<string, DockerConfigEntry?>()
                : document.Deserialize(RegistryJsonContext.Default.DictionaryStringDockerConfigEntry) ?? [];
        }
        catch (JsonException e)
        {
            throw new ImageException($"the pull secret is not a Docker configuration ({{\"auths\": …}}): {e.Message}", inner: e);
        }
    }

    // Keys may be "https://index.docker.io/v1/", "ghcr.io", "*.example.com:5000/team".
    private static string Pattern(string key)
    {
        var start = key.IndexOf("://", StringComparison.Ordinal);
        var pattern = (start < 0 ? key : key[(start + 3)..]).TrimEnd('/');

        // As kubelet: the version of the registry's API is no part of a repository.
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0 && (pattern[slash..] + "/").AsSpan() is ['/', 'v', '1' or '2', '/', ..])
        {
            pattern = pattern[..slash] + pattern[(slash + 3)..];
        }

        return pattern is "registry-1.docker.io" ? "index.docker.io" : pattern;
    }

    private static bool Fits(string key, ImageReference image)
    {
        var pattern = Pattern(key);
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        var (host, path) = slash < 0 ? (pattern, "") : (pattern[..slash], pattern[(slash + 1)..]);
        if (image.Registry == ImageReference.DefaultRegistry && host == "index.docker.io")
        {
            host = ImageReference.DefaultRegistry;
        }

        return HostFits(host, image.Registry) && image.Repository.StartsWith(path, StringComparison.Ordinal);
    }

    // A star stands for characters within one label; the number of labels and the port have to be the same.
    private static bool HostFits(string pattern, string host)
    {
        var (patternName, patternPort) = Port(pattern);
        var (name, port) = Port(host);
        var patternLabels = patternName.Split('.');
        var labels = name.Split('.');
        return patternPort == port
            && patternLabels.Length == labels.Length
            && patternLabels.Zip(labels).All(p => FileSystemName.MatchesSimpleExpression(p.First, p.Second));
    }

    private static (string Name, string Port) Port(string host)
    {
        var colon = host.LastIndexOf(':');
        return colon < 0 || host.EndsWith(']') ? (host, "") : (host[..colon], host[(colon + 1)..]);
    }

    private static RegistryCredentials? Credentials(string key, DockerConfigEntry entry)
    {
        if (entry.Identitytoken is { Length: > 0 } token)
        {
            return new RegistryCredentials("<token>", token);
        }

        if (entry.Username is { Length: > 0 })
        {
            return new RegistryCredentials(entry.Username, entry.Password ?? "");
        }

        if (entry.Auth is not { Length: > 0 } auth)
        {
            return null;
        }

        var buffer = new byte[auth.Length];
        var padded = auth.Trim().TrimEnd('=');
        padded += new string('=', (4 - (padded.Length % 4)) % 4);
        if (!Convert.TryFromBase64String(padded, buffer, out var count)
            || Encoding.UTF8.GetString(buffer, 0, count).TrimEnd('\0').Split(':', 2) is not [var user, var password])
        {
            throw new ImageException($"the pull secret's \"auth\" for {key} is not the base64 form of user:password");
        }

        return new RegistryCredentials(user, password);
    }
}
