using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Inspection;
using Pipeline.Stages.Text;

namespace Pipeline.Host.Recipes;

/// <summary>What a recipe needs to know about files of text.</summary>
/// <param name="Stage">The stage that reads them.</param>
/// <param name="Files">The paths, as they were given.</param>
/// <param name="Key">The option that names the column or field to read: <c>column</c>, <c>field</c> or <c>messages</c>.</param>
/// <param name="Column">The name of that column or field.</param>
/// <param name="Rows">The number of rows in all files.</param>
/// <param name="Sample">The first texts.</param>
internal sealed record RecipeTexts(string Stage, IReadOnlyList<string> Files, string Key, string Column, long Rows, IReadOnlyList<string> Sample)
{
    private const int SampledTexts = 200;
    private const string Messages = "messages";

    /// <summary>Whether a row is a conversation.</summary>
    public bool AreConversations => Key == Messages;

    /// <summary>The mean length of the sampled texts, in bytes of UTF-8.</summary>
    public double BytesPerText => Sample.Average(t => (double)System.Text.Encoding.UTF8.GetByteCount(t));

    /// <summary>Reads the beginning of the files and counts their rows.</summary>
    /// <param name="files">The files: Parquet or JSON Lines, all of the same kind.</param>
    /// <param name="column">The column or field of the text. Null stands for "text".</param>
    /// <param name="messages">The column or field of conversations, if these are to be read instead.</param>
    /// <param name="create">Makes a stage from its name and options.</param>
    /// <exception cref="InputException">The files are not all of one kind that a definition can read, or contain no text.</exception>
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

    /// <summary>Compares two tokenizers on the sample.</summary>
    public PairReport Pair(string teacher, string student, IReadOnlyList<int> limits, IStorage storage) => PairInspection.Run(teacher, student, Sample, limits, storage);

    /// <summary>The stage that reads some of the rows, as it is written in a definition.</summary>
    /// <param name="skip">How many rows to skip.</param>
    /// <param name="most">How many rows to read at most. 0 for all.</param>
    public string Read(long skip, long most)
    {
        string rows = string.Create(CultureInfo.InvariantCulture, $"{(skip > 0 ? $", \"skipRows\": {skip}" : "")}{(most > 0 ? $", \"maxRows\": {most}" : "")}");
        return $"{{ \"stage\": \"{Stage}\", \"files\": [{string.Join(", ", Files.Select(RecipeText.Json))}], \"{Key}\": {RecipeText.Json(Column)}{rows} }}";
    }

    private static string Words(TextDocument document) => document.Messages is { } turns ? string.Join('\n', turns.Select(t => t.Content)) : document.Text;

    private static bool HasEnding(string path, string ending) => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase);
}
