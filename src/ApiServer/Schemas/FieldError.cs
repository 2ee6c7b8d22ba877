namespace Knet.ApiServer.Schemas;

/// <summary>One thing wrong with one field, as a <c>Status</c> lists it under <c>details.causes</c>.</summary>
/// <param name="Path">The field, such as <c>spec.template.spec.containers[0].image</c>.</param>
/// <param name="Type">The cause's reason: FieldValueRequired, FieldValueInvalid, FieldValueNotSupported,
/// FieldValueForbidden, FieldValueDuplicate …</param>
/// <param name="Detail">The message after the path, such as <c>Required value</c> or <c>Invalid value: "x": must be …</c>.</param>
public sealed record FieldError(string Path, string Type, string Detail)
{
    /// <summary><c>path: detail</c>, as it stands in a Status message.</summary>
    public override string ToString() => Path.Length == 0 ? Detail : $"{Path}: {Detail}";
}
