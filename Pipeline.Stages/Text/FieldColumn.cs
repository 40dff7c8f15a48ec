using System.Text;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>
/// A field of each message, or of each row, besides role and content. Text, and text in structs, is carried to the chat template; of
/// anything else it is only known whether it is present, and a conversation that has it is rejected by that name.
/// </summary>
/// <param name="name">The field's.</param>
/// <param name="leaf">One leaf of it.</param>
/// <param name="level">Repetition within one message (1) or one row (0) is above it.</param>
/// <param name="depth">Nodes of the leaf's path up to the field, the field among them.</param>
internal sealed class FieldColumn(string name, LeafColumn leaf, int level, int depth)
{
    // From this definition level on the field is not null.
    private readonly int _there = leaf.Nodes[..depth].Count(n => n.Repetition != Repetition.Required);

    private ColumnReader? _reader;
    private bool _more;

    public string Name => name;

    /// <summary>Names from the field down to the text.</summary>
    public string[] Path { get; } = [.. leaf.Path.Skip(depth - 1)];

    public LeafColumn Leaf => leaf;

    /// <summary>Whether it is text, by itself or in structs.</summary>
    public bool IsText { get; } = leaf.MaxRepetition == level && leaf.Physical == PhysicalType.ByteArray && leaf.IsText;

    public void Open(ColumnFileReader reader, int group)
    {
        _reader = reader.OpenColumn(group, leaf);
        _more = _reader.Read();
    }

    /// <summary>Steps over the entries of one message or row; whether there was a value, and it where it is text.</summary>
    public bool Take(out string? text)
    {
        if (!_more)
            throw new ColumnFormatException($"field '{name}' has fewer entries than the other columns");
        (bool found, text) = (false, null);
        do
        {
            found |= _reader!.HasValue || _reader.Definition > _there;
            if (IsText && _reader.HasValue)
                text = Encoding.UTF8.GetString(_reader.Value);
            _more = _reader.Read();
        }
        while (_more && _reader.Repetition > level);
        return found;
    }
}
