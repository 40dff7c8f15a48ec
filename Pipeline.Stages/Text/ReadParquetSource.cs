using System.Globalization;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>Reads documents from Parquet files: one column, a few pages at a time.</summary>
internal sealed class ReadParquetSource(ReadParquetOptions options, InputSelection input, IStorage storage, IStageMeter meter, IRejects rejects)
    : ISource<TextDocument>, IFingerprinted, IPlanned
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadParquetOptions, TextDocument, ReadParquetSource>(
        "read-parquet", "Reads documents from Parquet files: one column of text or of conversations.",
        static (o, c) => new ReadParquetSource(o, InputSelection.Of(o.Files, InputKind.Parquet, o.SkipRows, o.MaxRows, c), c.Storage, c.Meter, c.Rejects))
        .Ruled<ReadParquetOptions>(static (o, c) => InputFileRules.Of(o.Files, c, path => Require(c.Storage, path, o)));

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        [FingerprintPart.Input] = input.Fingerprint(
            options.Messages is null ? "text" : "messages",
            options.Messages ?? options.Column,
            options.MaxDocumentBytes.ToString(CultureInfo.InvariantCulture)),
    };

    public StagePlan Plan(long? records) => TextPlan.Of(input, file => Require(storage, file.Path, options));

    public IAsyncEnumerable<TextDocument> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    /// <exception cref="Pipeline.Contracts.Errors.InputException">The file does not have the column, or it cannot be read.</exception>
    private static void Require(IStorage storage, string path, ReadParquetOptions options)
    {
        using ColumnFileReader reader = ColumnFileReader.Open(storage, path);
        ColumnFaults.Require(reader, TextColumn.Find(reader, options).Leaves);
    }

    private IEnumerable<TextDocument> Read(CancellationToken cancellationToken)
    {
        input.SayWhatIsEmpty();
        IReadOnlyList<FileRange> ranges = input.Ranges();
        foreach (FileRange range in ranges)
            Require(storage, range.File.Path, options);
        long done = 0, total = ranges.Sum(r => r.End - r.First);
        foreach (FileRange range in ranges)
        {
            using ColumnFileReader reader = ColumnFileReader.Open(storage, range.File.Path);
            TextColumn column = TextColumn.Find(reader, options);
            foreach (TextDocument? document in ReadRange(reader, column, range))
            {
                cancellationToken.ThrowIfCancellationRequested();
                meter.Progress(++done, total);
                if (document is not null)
                    yield return document;
            }
        }
    }

    // A rejected row gives null, so that progress counts all rows.
    private IEnumerable<TextDocument?> ReadRange(ColumnFileReader reader, TextColumn column, FileRange range)
    {
        foreach ((int group, long before, long first, long end) in RangeReading.Groups(reader, range))
        {
            using IEnumerator<RowText> texts = column.Read(reader, group, first, end).GetEnumerator();
            for (long row = before + first; RangeReading.Next(texts, reader, group, column.Name); row++)
                yield return ToDocument(new DocumentId(range.File.Hash, row, 0), texts.Current, reader.Path);
        }
    }

    private TextDocument? ToDocument(DocumentId id, RowText row, string path)
    {
        if (row.Reject is { } reason)
        {
            rejects.Reject(id, reason, string.Create(CultureInfo.InvariantCulture, $"{path}: row {id.Row}: {reason}{row.Detail}"));
            return null;
        }
        meter.Count("documents", 1);
        meter.Count("bytes", row.Bytes);
        return new TextDocument(id, row.Text, row.Messages, row.Fields);
    }
}
