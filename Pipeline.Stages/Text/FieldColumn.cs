using System.Text;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>What a message or row has in one leaf of a field.</summary>
/// <param name="Path">The names on the path from the field down to the leaf.</param>
/// <param name="Value">The value, or null if it cannot be carried.</param>
/// <param name="Bytes">Its size in the file.</param>
/// <param name="Reject">The reason why it cannot be carried, one of <see cref="TextRejects"/>. Null if it can.</param>
internal sealed record FieldValue(string[] Path, JsonNode? Value, int Bytes, string? Reject = null);

/// <summary>
/// One leaf of a field of each message, or of each row, besides role and content. Text, numbers and truth values, by themselves or in structs, are carried to
/// the chat template. Of lists, dates and the like it is only known whether there is a value, and a conversation that has one is rejected.
/// </summary>
/// <param name="name">The name of the field.</param>
/// <param name="leaf">The leaf.</param>
/// <param name="level">1 for a field of a message, 0 for a field of a row. Entries with a higher repetition level belong to the same message or row.</param>
/// <param name="depth">The number of nodes on the leaf's path up to the field and including it.</param>
internal sealed class FieldColumn(string name, LeafColumn leaf, int level, int depth)
{
    // The field is not null from this definition level on.
    private readonly int _definedFrom = leaf.Nodes[..depth].Count(n => n.Repetition != Repetition.Required);
    private readonly bool _isCarried = leaf.MaxRepetition == level && (leaf.IsNumberOrTruth || (leaf.Physical == PhysicalType.ByteArray && leaf.IsText));
    private readonly string[] _path = [.. leaf.Path.Skip(depth - 1)];

    private ColumnReader? _reader;
    private bool _more;

    public LeafColumn Leaf => leaf;

    public void Open(ColumnFileReader reader, int group)
    {
        _reader = reader.OpenColumn(group, leaf);
        _more = _reader.Read();
    }

    /// <summary>Goes past the entries of one message or row. Returns what there was, or null if there was nothing.</summary>
    public FieldValue? Take()
    {
        if (!_more)
            throw new ColumnFormatException($"field '{name}' has fewer entries than the other columns");
        FieldValue? found = null;
        do
        {
            if (_isCarried && _reader!.HasValue)
                found = Value();
            else if (!_isCarried && (_reader!.HasValue || _reader.Definition > _definedFrom))
                found = new FieldValue(_path, null, 0, TextRejects.NotCarried);
            _more = _reader!.Read();
        }
        while (_more && _reader.Repetition > level);
        return found;
    }

    private FieldValue Value()
    {
        if (leaf.Physical != PhysicalType.ByteArray)
            return JsonScalar.Of(_reader!.Scalar) is { } scalar ? new FieldValue(_path, scalar, sizeof(double)) : new FieldValue(_path, null, 0, TextRejects.NotCarried);
        ReadOnlySpan<byte> text = _reader!.Value;
        return Utf8.IsValid(text) ? new FieldValue(_path, Encoding.UTF8.GetString(text), text.Length) : new FieldValue(_path, null, 0, TextRejects.NotUtf8);
    }
}
