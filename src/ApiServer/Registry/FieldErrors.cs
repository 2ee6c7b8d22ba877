using System.Text.Json;
using System.Text.Json.Nodes;
using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry;

/// <summary>Collects what is wrong with an object, in Kubernetes' words.</summary>
public sealed class FieldErrors
{
    private readonly List<FieldError> _errors = [];

    public IReadOnlyList<FieldError> All => _errors;

    public void Add(IEnumerable<FieldError> errors) => _errors.AddRange(errors);

    public void Required(string path, string detail = "") =>
        Add(path, "FieldValueRequired", "Required value" + (detail.Length > 0 ? ": " + detail : ""));

    public void Invalid(string path, JsonNode? value, string why) => Add(path, "FieldValueInvalid", $"Invalid value: {Show(value)}: {why}");

    public void Forbidden(string path, string why) => Add(path, "FieldValueForbidden", $"Forbidden: {why}");

    public void Duplicate(string path, JsonNode? value) => Add(path, "FieldValueDuplicate", $"Duplicate value: {Show(value)}");

    public void NotFound(string path, JsonNode? value) => Add(path, "FieldValueNotFound", $"Not found: {Show(value)}");

    public void NotSupported(string path, JsonNode? value, params IEnumerable<string> supported) => Add(
        path, "FieldValueNotSupported",
        $"Unsupported value: {Show(value)}: supported values: {string.Join(", ", supported.Order(StringComparer.Ordinal).Select(s => $"\"{s}\""))}");

    private static string Show(JsonNode? value) =>
        value is JsonValue v && v.GetValueKind() == JsonValueKind.String ? $"\"{v.GetValue<string>()}\"" : value?.ToJsonString() ?? "null";

    private void Add(string path, string type, string detail) => _errors.Add(new FieldError(path, type, detail));
}
