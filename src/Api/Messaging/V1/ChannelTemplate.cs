using System.Text.Json.Nodes;
using Knet.Api.Meta;

namespace Knet.Api.Messaging.V1;

/// <summary>A channel to be made: its kind, and a spec that this kind understands.</summary>
public sealed record ChannelTemplate
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public JsonObject? Spec { get; init; }

    /// <param name="path">Where it stands, such as <c>spec.channelTemplate</c>.</param>
    public void Validate(string path, FieldErrors errors)
    {
        if (string.IsNullOrEmpty(Kind))
        {
            errors.Missing($"{path}.kind");
        }

        if (string.IsNullOrEmpty(ApiVersion))
        {
            errors.Missing($"{path}.apiVersion");
        }
    }
}
