using System.Text.Json;
using System.Text.Json.Serialization;

namespace Knet.Oci.Registry;

/// <summary>Answer of a token server.</summary>
internal sealed record TokenAnswer(
    [property: JsonPropertyName("token")] string? Token,
    [property: JsonPropertyName("access_token")] string? AccessToken,
    [property: JsonPropertyName("expires_in")] double? ExpiresInSeconds);

/// <summary>Body of a registry's refusal.</summary>
internal sealed record ErrorAnswer(IReadOnlyList<ErrorItem>? Errors);

/// <summary>One reason of a refusal.</summary>
internal sealed record ErrorItem(string? Code, string? Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(Dictionary<string, DockerConfigEntry?>))]
[JsonSerializable(typeof(DockerConfigFile))]
internal sealed partial class RegistryJsonContext : JsonSerializerContext;

/// <summary>Docker's <c>config.json</c>, as far as it has credentials.</summary>
internal sealed record DockerConfigFile(IReadOnlyDictionary<string, DockerConfigEntry?>? Auths);

/// <summary>Credentials for one registry or a part of it.</summary>
internal sealed record DockerConfigEntry(string? Username, string? Password, string? Auth, string? Identitytoken);
