using System.Text;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>
/// One leaf of a field of each message, or of each row, besides role and content. Text, by itself or in structs, is carried to the chat template. Of lists
/// and bytes that are not text, it is only known whether there is a value, and a conversation that has one is rejected. Columns of other types, such
/// as numbers, are not read.
/// </summary>
/// <param name="name">The name of the field.</param>
/// <param name="leaf">The leaf.</param>
/// <param name="level">1 for a field of a message, 0 for a field of a row. Entries with a higher repetition level belong to the same message or row.</param>
/// <param name="depth">The number of nodes on the leaf's path up to the field and including it.</param>
internal sealed class FieldColumn(string name, LeafColumn leaf, int level, int depth)
{
    // The field is not null from this definition level on.
    private readonly int _definedFrom = leaf.Nodes[..depth].Count(n => n.Repetition != Repetition.Required);

    private ColumnReader? _reader;
    private bool _more;

    public string Name => name;

    /// <summary>The names on the path from the field down to the leaf.</summary>
    public string[] Path { get; } = [.. leaf.Path.Skip(depth - 1)];

    public LeafColumn Leaf => leaf;

    /// <summary>Whether the leaf is text, by itself or in structs.</summary>
    public bool IsText { get; } = leaf.MaxRepetition == level && leaf.Physical == PhysicalType.ByteArray && leaf.IsText;

    public void Open(ColumnFileReader reader, int group)
    {
        _reader = reader.OpenColumn(group, leaf);
        _more = _reader.Read();
    }

    /// <summary>Goes past the entries of one message or row. Returns whether there was a value, and the value if it is text.</summary>
    public bool Take(out string? text)
    {
        if (!_more)
            throw new ColumnFormatException($"field '{name}' has fewer entries than the other columns");
        (bool found, text) = (false, null);
        do
        {
            found |= _reader!.HasValue || _reader.Definition > _definedFrom;
            if (IsText && _reader.HasValue)
                text = Encoding.UTF8.GetString(_reader.Value);
            _more = _reader.Read();
        }
        while (_more && _reader.Repetition > level);
        return found;
    }
}
