using System.Globalization;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>Reads documents from JSON Lines files. The row of a document's id is its line, counted from 0. Messages count lines from 1.</summary>
internal sealed class ReadJsonlSource(ReadJsonlOptions options, InputSelection input, IStorage storage, IStageMeter meter, IRejects rejects)
    : ISource<TextDocument>, IFingerprinted, IPlanned
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadJsonlOptions, TextDocument, ReadJsonlSource>(
        "read-jsonl", "Reads documents from JSON Lines files, plain or compressed.",
        static (o, c) => new ReadJsonlSource(o, InputSelection.Of(o.Files, InputKind.JsonLines, o.SkipRows, o.MaxRows, c), c.Storage, c.Meter, c.Rejects))
        .Ruled<ReadJsonlOptions>(static (o, c) => InputFileRules.Of(o.Files, c, path => LineFileForm.Require(c.Storage, path, o)));

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        [FingerprintPart.Input] = input.Fingerprint(
            options.Messages is null ? "text" : "messages",
            options.Messages ?? options.Field,
            string.Create(CultureInfo.InvariantCulture, $"{options.MaxDocumentBytes} {options.MaxLineBytes}")),
    };

    public StagePlan Plan(long? records)
        => TextPlan.Of(input, file => LineFileForm.Require(storage, file.Path, options));

    public IAsyncEnumerable<TextDocument> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    private IEnumerable<TextDocument> Read(CancellationToken cancellationToken)
    {
        input.SayWhatIsEmpty();
        IReadOnlyList<FileRange> ranges = input.Ranges();
        foreach (FileRange range in ranges)
            LineFileForm.Require(storage, range.File.Path, options);
        long done = 0, total = ranges.Sum(r => r.End - r.First);
        foreach (FileRange range in ranges)
        {
            foreach (TextDocument? document in ReadRange(range))
            {
                cancellationToken.ThrowIfCancellationRequested();
                meter.Progress(++done, total);
                if (document is not null)
                    yield return document;
            }
        }
    }

    private IEnumerable<TextDocument?> ReadRange(FileRange range)
    {
        foreach ((long line, LineReader lines) in RangeReading.Lines(storage, range, options.MaxLineBytes))
            yield return ToDocument(new DocumentId(range.File.Hash, line, 0), LineFileForm.Read(lines, line, options), range.File.Path);
    }

    private TextDocument? ToDocument(DocumentId id, RowText row, string path)
    {
        if (row.Reject == TextRejects.Blank)
        {
            meter.Count("blankLines", 1);
            return null;
        }
        if (row.Reject is { } reason)
        {
            rejects.Reject(id, reason, string.Create(CultureInfo.InvariantCulture, $"{path}: line {id.Row + 1}: {reason}{row.Detail}"));
            return null;
        }
        meter.Count("documents", 1);
        meter.Count("bytes", row.Bytes);
        return new TextDocument(id, row.Text, row.Messages, row.Fields);
    }
}
