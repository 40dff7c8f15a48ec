using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Inspection;
using Pipeline.Stages.Text;

namespace Pipeline.Host.Recipes;

/// <summary>Files of text as a recipe sees them.</summary>
/// <param name="Stage">Which reads them.</param>
/// <param name="Files">As they were given.</param>
/// <param name="Key">The option that names what is read of a row.</param>
/// <param name="Column">Its value.</param>
/// <param name="Rows">Of all files.</param>
/// <param name="Sample">The first texts.</param>
internal sealed record RecipeTexts(string Stage, IReadOnlyList<string> Files, string Key, string Column, long Rows, IReadOnlyList<string> Sample)
{
    private const int SampledTexts = 200;
    private const string Messages = "messages";

    /// <summary>Whether a row is a conversation.</summary>
    public bool AreConversations => Key == Messages;

    public double BytesPerText => Sample.Average(t => (double)System.Text.Encoding.UTF8.GetByteCount(t));

    /// <summary>Reads the beginning of the files and counts their rows.</summary>
    /// <param name="files">Parquet, or JSON Lines, all of one kind.</param>
    /// <param name="column">The column or field; null: "text".</param>
    /// <param name="messages">Instead of that, one of conversations.</param>
    /// <param name="create">Makes a stage from its name and options.</param>
    /// <exception cref="InputException">A file is of no kind that a definition reads, or holds no text.</exception>
    public static async Task<RecipeTexts> ReadAsync(IReadOnlyList<string> files, string? column, string? messages, Func<string, object, object> create)
    {
        bool isParquet = files.All(f => HasEnding(f, ".parquet"));
        if (!isParquet && !files.All(f => ((string[])[".jsonl", ".ndjson", ".jsonl.gz", ".jsonl.zst"]).Any(e => HasEnding(f, e))))
            throw new InputException($"--text: found {string.Join(", ", files)}; a flow reads files of one kind, Parquet (.parquet) or JSON Lines (.jsonl, .jsonl.gz, .jsonl.zst)");
        string stage = isParquet ? "read-parquet" : "read-jsonl", text = column ?? "text";
        object source = create(stage, isParquet
            ? new ReadParquetOptions { Files = files, Column = text, Messages = messages }
            : new ReadJsonlOptions { Files = files, Field = text, Messages = messages });
        long rows = ((IPlanned)source).Plan(null).Records ?? 0;
        List<string> sample = await ((ISource<TextDocument>)source).ReadAsync(CancellationToken.None).Select(Words).Where(t => t.Length > 0).Take(SampledTexts).ToListAsync();
        if (sample.Count == 0)
            throw new InputException($"{string.Join(", ", files)}: no text in '{messages ?? text}'");
        return new RecipeTexts(stage, files, messages is not null ? Messages : isParquet ? "column" : "field", messages ?? text, rows, sample);
    }

    /// <summary>What two tokenizers make of the sample.</summary>
    public PairReport Pair(string teacher, string student, IReadOnlyList<int> limits, IStorage storage) => PairInspection.Run(teacher, student, Sample, limits, storage);

    /// <summary>The stage that reads some of the rows, as a definition has it.</summary>
    public string Read(long skip, long most)
    {
        string rows = string.Create(CultureInfo.InvariantCulture, $"{(skip > 0 ? $", \"skipRows\": {skip}" : "")}{(most > 0 ? $", \"maxRows\": {most}" : "")}");
        return $"{{ \"stage\": \"{Stage}\", \"files\": [{string.Join(", ", Files.Select(RecipeText.Json))}], \"{Key}\": {RecipeText.Json(Column)}{rows} }}";
    }

    private static string Words(TextDocument document) => document.Messages is { } turns ? string.Join('\n', turns.Select(t => t.Content)) : document.Text;

    private static bool HasEnding(string path, string ending) => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
