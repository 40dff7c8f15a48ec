using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>The text or conversation of a row, or the reason why the row is rejected.</summary>
internal readonly record struct RowText(string Text, IReadOnlyList<ChatMessage>? Messages, long Bytes, string? Reject = null, string Detail = "")
{
    /// <summary>The <see cref="TextDocument.Fields"/> of a conversation.</summary>
    public string? Fields { get; init; }

    public static RowText Rejected(string reason, string detail = "") => new("", null, 0, reason, detail);
}

/// <summary>The column of a file that a definition asks for. It turns the rows into texts or conversations.</summary>
internal abstract class TextColumn(string name, int maxDocumentBytes)
{
    public string Name { get; } = name;

    protected int MaxDocumentBytes { get; } = maxDocumentBytes;

    /// <summary>Finds the column in a file.</summary>
    /// <exception cref="InputException">The file does not have the column, or it is not of the kind that is asked for.</exception>
    public static TextColumn Find(ColumnFileReader reader, ReadParquetOptions options) => options.Messages is { } messages
        ? MessagesColumn.Find(reader, messages, options.MaxDocumentBytes)
        : PlainTextColumn.Find(reader, options.Column, options.MaxDocumentBytes);

    /// <summary>The leaves of the file that are read.</summary>
    public abstract IEnumerable<LeafColumn> Leaves { get; }

    /// <summary>Reads the rows [first, end) of a row group.</summary>
    public abstract IEnumerable<RowText> Read(ColumnFileReader reader, int group, long first, long end);

    protected static InputException Missing(ColumnFileReader reader, string name)
        => new($"{reader.Path} has no column '{name}'; it has {string.Join(", ", reader.File.ColumnNames.Select(n => $"'{n}'"))}");

    protected static void CheckIsText(ColumnFileReader reader, LeafColumn leaf)
    {
        if (leaf.Physical != PhysicalType.ByteArray)
            throw new InputException($"{reader.Path}: column '{leaf}' holds {leaf.Physical} values, not text; name another column");
        if (!leaf.IsText)
            throw new InputException($"{reader.Path}: column '{leaf}' is binary: the schema does not say that it is text; write it as a string");
    }

    protected string TooLongDetail(long bytes) => string.Create(CultureInfo.InvariantCulture, $": {bytes} bytes, expected at most {MaxDocumentBytes}");
}

/// <summary>A column of strings.</summary>
internal sealed class PlainTextColumn(LeafColumn leaf, int maxDocumentBytes) : TextColumn(leaf.ToString(), maxDocumentBytes)
{
    public override IEnumerable<LeafColumn> Leaves => [leaf];

    public static PlainTextColumn Find(ColumnFileReader reader, string name, int maxDocumentBytes)
    {
        LeafColumn[] leaves = [.. reader.File.Leaves.Where(l => l.ToString() == name)];
        if (leaves.Length > 1)
            throw new InputException($"{reader.Path} has {leaves.Length} columns '{name}'; rename all but one");
        if (leaves.Length == 0)
        {
            LeafColumn? inner = reader.File.Leaves.FirstOrDefault(l => l.Top == name);
            throw inner is null ? Missing(reader, name) : new InputException(
                $"{reader.Path}: column '{name}' is nested, not text; it has '{inner}'" + (inner.MaxRepetition > 0 ? "; use 'messages' for conversations" : ""));
        }
        if (leaves[0].MaxRepetition > 0)
            throw new InputException($"{reader.Path}: column '{name}' is a list, not text");
        CheckIsText(reader, leaves[0]);
        return new PlainTextColumn(leaves[0], maxDocumentBytes);
    }

    public override IEnumerable<RowText> Read(ColumnFileReader reader, int group, long first, long end)
    {
        ColumnReader column = reader.OpenColumn(group, leaf);
        column.SkipEntries(first);
        for (long row = first; row < end; row++)
        {
            if (!column.Read())
                throw new ColumnFormatException("it has fewer values than its row group has rows");
            yield return column.HasValue ? ToText(column.Value) : RowText.Rejected(TextRejects.Null);
        }
    }

    private RowText ToText(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
            return RowText.Rejected(TextRejects.Empty);
        if (value.Length > MaxDocumentBytes)
            return RowText.Rejected(TextRejects.TooLong, TooLongDetail(value.Length));
        return Utf8.IsValid(value) ? new RowText(Encoding.UTF8.GetString(value), null, value.Length) : RowText.Rejected(TextRejects.NotUtf8);
    }
}
