using System.Globalization;
using System.Runtime.CompilerServices;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Demonstrations;

/// <summary>
/// Reads demonstrations, prompts with a positive and a negative continuation, from Parquet or JSON Lines. Each column is read as <c>read-parquet</c> or
/// <c>read-jsonl</c> reads it, and <see cref="ColumnJoin"/> puts them together.
/// </summary>
internal sealed class ReadDemonstrationsSource : ISource<Demonstration>, IFingerprinted, IPlanned
{
    private const string Parquet = ".parquet";

    private readonly ReadDemonstrationsOptions _options;
    private readonly StageContext _context;
    private readonly InputKind _kind;
    private readonly InputSelection _input;

    /// <summary>Opens no file yet.</summary>
    /// <exception cref="DefinitionException">The files are of both kinds, or there are none.</exception>
    public ReadDemonstrationsSource(ReadDemonstrationsOptions options, StageContext context)
    {
        (_options, _context) = (options, context);
        if (options.Files.Count == 0 || FaultOfKinds(options.Files) is not null)
            throw new DefinitionException($"stage '{context.StageName}': {FaultOfKinds(options.Files) ?? "'files' is empty"}");
        _kind = options.Files.Any(IsParquet) ? InputKind.Parquet : InputKind.JsonLines;
        _input = InputSelection.Of(options.Files, _kind, options.SkipRows, options.MaxRows, context);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadDemonstrationsOptions, Demonstration, ReadDemonstrationsSource>(
        "read-demonstrations", "Reads prompts with a positive and a negative continuation each, for fit-sea.",
        static (o, c) => new ReadDemonstrationsSource(o, c))
        .Ruled<ReadDemonstrationsOptions>(static (o, c) => InputFileRules.Of(o.Files, c, static _ => { }).Concat(
            FaultOfKinds(o.Files) is { } fault ? [new RuleFinding("files", fault)] : []));

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        [FingerprintPart.Input] = _input.Fingerprint(
            [.. Columns.Select(c => $"{(c.IsMessages ? "messages" : "text")} {c.Name}"), _options.MaxDocumentBytes.ToString(CultureInfo.InvariantCulture)]),
    };

    private static bool IsParquet(string file) => file.EndsWith(Parquet, StringComparison.OrdinalIgnoreCase);

    private static string? FaultOfKinds(IReadOnlyList<string> files)
        => files.Any(IsParquet) && !files.All(IsParquet) ? $"'files' mixes Parquet and other files; give files of one kind, {Parquet} or JSON Lines" : null;

    private IReadOnlyList<(string Name, bool IsMessages)> Columns =>
    [
        (_options.Messages ?? _options.Prompt, _options.Messages is not null),
        (_options.Positive, false),
        (_options.Negative, false),
        .. _options.Base is { } name ? new[] { (name, false) } : [],
    ];

    public StagePlan Plan(long? records)
    {
        // Planning each column checks that it exists. The plan itself is the same for all of them, so one is enough.
        StagePlan[] plans = [.. Readers(_context).Select(r => ((IPlanned)r).Plan(null))];
        return plans[0];
    }

    public async IAsyncEnumerable<Demonstration> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var order = new Dictionary<ulong, int>();
        foreach (InputFile file in _input.Files)
            order.TryAdd(file.Hash, order.Count);
        var join = new ColumnJoin(order, _context.Rejects);
        IReadOnlyList<ISource<TextDocument>> readers = [.. Columns.Select((c, i) => Reader(c, _context with { Rejects = join.RejectsOf(c.Name), Meter = new ColumnMeter(_context.Meter, i == 0) }))];
        await foreach (TextDocument[] row in join.ReadAsync(readers, cancellationToken))
        {
            _context.Meter.Count("demonstrations", 1);
            yield return new Demonstration(row[0], row[1].Text, row[2].Text, row.Length > 3 ? row[3].Text : null);
        }
    }

    private IEnumerable<ISource<TextDocument>> Readers(StageContext context) => Columns.Select(c => Reader(c, context));

    private ISource<TextDocument> Reader((string Name, bool IsMessages) column, StageContext context)
    {
        InputSelection input = InputSelection.Of(_options.Files, _kind, _options.SkipRows, _options.MaxRows, context);
        string? messages = column.IsMessages ? column.Name : null;
        return _kind == InputKind.Parquet
            ? new ReadParquetSource(
                new ReadParquetOptions { Files = _options.Files, Column = column.Name, Messages = messages, MaxDocumentBytes = _options.MaxDocumentBytes }, input, context.Storage, context.Meter, context.Rejects)
            : new ReadJsonlSource(
                new ReadJsonlOptions { Files = _options.Files, Field = column.Name, Messages = messages, MaxDocumentBytes = _options.MaxDocumentBytes }, input, context.Storage, context.Meter, context.Rejects);
    }
}
