namespace Knet.ApiServer.Schemas;

/// <summary>A path to a field that becomes text only when somebody asks, since most walks find nothing to report.</summary>
internal sealed class FieldPath
{
    private readonly FieldPath? _parent;
    private readonly string? _name;
    private readonly int _index;

    private FieldPath(FieldPath? parent, string? name, int index)
    {
        _parent = parent;
        _name = name;
        _index = index;
    }

    public static FieldPath Root { get; } = new(null, null, -1);

    public FieldPath Member(string name) => new(this, name, -1);

    public FieldPath Item(int index) => new(this, null, index);

    /// <summary><c>spec.containers[0].image</c>; empty for the root.</summary>
    public override string ToString()
    {
        if (_parent is null)
        {
            return "";
        }

        var before = _parent.ToString();
        if (_name is null)
        {
            return $"{before}[{_index}]";
        }

        return before.Length == 0 ? _name : $"{before}.{_name}";
    }
}
