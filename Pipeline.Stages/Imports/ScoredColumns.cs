using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Parquet;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Imports;

/// <summary>Reads the columns of a Parquet file that have scores, side by side.</summary>
internal sealed class ScoredColumns
{
    private readonly EntryColumn _text;
    private readonly EntryColumn? _prompt, _ids, _bytes, _lower, _upper;
    private readonly EntryColumn _logLikelihoods;
    private readonly MessagesColumn? _messages;
    private readonly int _most;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="InputException">The file lacks a column, or a column has another type.</exception>
    public ScoredColumns(ColumnFileReader reader, ImportScoresOptions options)
    {
        _most = options.MaxTeacherTokens;
        EntryColumn Text(string name) => EntryColumn.Find(reader, name, 0, PhysicalType.ByteArray);
        EntryColumn? Numbers(string? name) => name is null ? null : EntryColumn.Find(reader, name, 1, PhysicalType.Float, PhysicalType.Double);
        _text = Text(options.Text);
        _prompt = options.Prompt is null ? null : Text(options.Prompt);
        _ids = options.Ids is null ? null : EntryColumn.Find(reader, options.Ids, 1, PhysicalType.Int32, PhysicalType.Int64);
        _bytes = options.Bytes is null ? null : EntryColumn.Find(reader, options.Bytes, 1, PhysicalType.ByteArray);
        _logLikelihoods = Numbers(options.LogLikelihood)!;
        _lower = Numbers(options.Boundary ?? options.BoundaryLower);
        _upper = Numbers(options.BoundaryUpper);
        _messages = options.Messages is null ? null : MessagesColumn.Find(reader, options.Messages, options.MaxLineBytes);
        ColumnFaults.Require(reader, All.Select(c => c.Leaf).Concat(_messages?.Leaves ?? []));
    }

    private IEnumerable<EntryColumn> All => new[] { _text, _prompt, _ids, _bytes, _logLikelihoods, _lower, _upper }.OfType<EntryColumn>();

    /// <summary>Rows [first, end) of a row group. A row that cannot be used comes with the reason.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="group">The row group, 0-based.</param>
    /// <param name="first">The first row, counted within the group.</param>
    /// <param name="end">The row after the last one, counted within the group.</param>
    /// <param name="id">The id of the group's first row.</param>
    public IEnumerable<ReadRow> Read(ColumnFileReader reader, int group, long first, long end, DocumentId id)
    {
        foreach (EntryColumn column in All)
            column.Open(reader, group);
        using IEnumerator<RowText>? conversations = _messages?.Read(reader, group, first, end).GetEnumerator();
        for (long row = 0; row < end; row++)
        {
            DocumentId own = id with { Row = id.Row + row };
            if (row < first)
            {
                foreach (EntryColumn column in All)
                    column.Take<byte>(0, static _ => 0, null);
                continue;
            }
            yield return Row(own, conversations is not null && conversations.MoveNext() ? conversations.Current : null);
        }
    }

    private ReadRow Row(DocumentId id, RowText? conversation)
    {
        // The row is read from all columns before anything is rejected, so that all of them go on to the next row.
        bool isTooLong = false;
        List<T>? Take<T>(EntryColumn? column, Func<ColumnReader, T> value)
        {
            if (column is null)
                return null;
            var row = new List<T>();
            isTooLong |= column.Take(_most, value, row) > _most;
            return row;
        }

        byte[]? text = Take(_text, Bytes)![0], prompt = Take(_prompt, Bytes)?[0];
        List<double?>? ids = Take(_ids, Number);
        List<byte[]?>? bytes = Take(_bytes, Bytes);
        List<double?> logLikelihoods = Take(_logLikelihoods, Number)!;
        List<double?>? lower = Take(_lower, Number), upper = Take(_upper, Number);
        try
        {
            if (isTooLong)
                throw new RejectedException(id, ImportRejects.TooLong, string.Create(CultureInfo.InvariantCulture, $"more than {_most} tokens"));
            double?[]? least = lower?.ToArray();
            RowText? turns = conversation is { } read ? ScoredFile.Accepted(read, id) : null;
            return new ReadRow(id, new ScoredRow(
                Text(id, text), _prompt is null ? "" : Text(id, prompt), ids is null ? null : [.. ids.Select((value, i) => Id(id, value, i))],
                bytes is null ? null : [.. bytes.Select(b => b ?? [])], [.. logLikelihoods], least, _upper is null ? least : [.. upper!])
            {
                Messages = turns?.Messages,
                Fields = turns?.Fields,
            }, null);
        }
        catch (RejectedException e)
        {
            return new ReadRow(id, null, e);
        }
    }

    private static byte[]? Bytes(ColumnReader column) => column.HasValue ? column.Value.ToArray() : null;

    private static double? Number(ColumnReader column) => column.HasValue ? column.Number : null;

    private static string Text(DocumentId id, byte[]? value) => value is null ? throw new RejectedException(id, TextRejects.Null, "")
        : Utf8.IsValid(value) ? Encoding.UTF8.GetString(value)
        : throw new RejectedException(id, TextRejects.NotUtf8, "");

    private static int Id(DocumentId id, double? value, int token) => value is { } number && number == (int)number
        ? (int)number
        : throw new RejectedException(id, ImportRejects.NoId, string.Create(CultureInfo.InvariantCulture, $"at token {token}"));
}
