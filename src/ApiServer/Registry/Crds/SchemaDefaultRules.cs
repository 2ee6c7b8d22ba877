using Knet.ApiServer.Schemas;

namespace Knet.ApiServer.Registry.Crds;

/// <summary>Checks that the defaults of a CRD's schema are values that the schema itself allows.</summary>
internal sealed class SchemaDefaultRules(FieldErrors errors)
{
    public void Check(SchemaNode node, string path)
    {
        if (node.Default is { } value)
        {
            CheckDefault(node, value.DeepClone(), path + ".default");
        }

        foreach (var (name, property) in node.Properties)
        {
            // The metadata is Kubernetes' own, and described by a schema that may be recursive.
            if (property.Definition is null)
            {
                Check(property, $"{path}.properties[{name}]");
            }
        }

        if (node.Items is { } items)
        {
            Check(items, path + ".items");
        }

        if (node.AdditionalProperties is { } values)
        {
            Check(values, path + ".additionalProperties");
        }
    }

    private void CheckDefault(SchemaNode node, System.Text.Json.Nodes.JsonNode value, string path)
    {
        var pruned = new List<string>();
        var written = value.DeepClone();
        SchemaPruning.Prune(node, value, FieldPath.Root, pruned, isResource: false);
        if (pruned.Count > 0)
        {
            errors.Invalid(path, written, "must not have unknown fields");
            return;
        }

        var found = new List<FieldError>();
        SchemaDefaulting.Apply(node, value);
        new SchemaValidation(found).Validate(node, value, FieldPath.Root);
        errors.Add(found.Select(e => e with
        {
            Path = e.Path.Length == 0 ? path : e.Path[0] == '[' ? path + e.Path : $"{path}.{e.Path}",
        }));
    }
}
