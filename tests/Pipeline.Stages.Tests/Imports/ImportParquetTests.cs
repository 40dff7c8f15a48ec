using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Imports;

/// <summary>Parquet that an independent program wrote says what the same lines of JSON say.</summary>
[Collection(TorchCollection.Name)]
public sealed class ImportParquetTests : IDisposable
{
    private readonly TinyRun _run = new();

    public ImportParquetTests() => _run.Provide(new InputCatalog(_run.Storage));

    public void Dispose() => _run.Dispose();

    /// <summary>Lists beside each other and a list of structs; numbers of either width.</summary>
    [Theory]
    [InlineData(false, "INTEGER", "FLOAT")]
    [InlineData(false, "BIGINT", "DOUBLE")]
    [InlineData(true, "INTEGER", "FLOAT")]
    [InlineData(true, "BIGINT", "DOUBLE")]
    public async Task Columns_are_read_as_lines_are(bool inStructs, string whole, string real)
    {
        List<Example> asked = await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(7));
        string rows = string.Join(" UNION ALL ", asked.Select((e, i) => Select(i, ScoreFiles.Line(e), inStructs, whole, real)));
        Duck.Write(_run["scores.parquet"], $"SELECT * EXCLUDE n FROM ({rows}) ORDER BY n", "COMPRESSION zstd");
        ImportScoresOptions options = Options(inStructs);
        List<Example> read = await ReadAsync(options);
        Assert.Empty(_run.Rejected);
        Assert.Equal(asked.Count, read.Count);
        foreach ((Example a, Example b) in asked.Zip(read))
            ScoreFiles.AssertSame(a, b, withIds: true);
        Assert.Equal(read[2..5].Select(e => e.Id), (await ReadAsync(options with { SkipRows = 2, MaxRows = 3 })).Select(e => e.Id));
    }

    [Fact]
    public async Task Rows_that_do_not_fit_are_rejected_by_reason()
    {
        Example asked = Assert.Single(await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(1)));
        (Action<JsonObject> Change, string Reason)[] faults =
        [
            (l => l["text"] = null, "text is null"),
            (l => l["scores"]!.AsArray().RemoveAt(1), "the fields of the tokens have different lengths"),
            (l => l["mass"] = new JsonArray(), "the fields of the tokens have different lengths"),
            (l => l["scores"]![2] = "'NaN'", "a number is not a log-probability"),
            (l => l["mass"]![2] = null, "a number is not a log-probability"),
            (l => l["ids"]![2] = null, "a token's id is not a whole number"),
            (l => l["ids"]![2] = -5, "an id is not in the teacher's tokenizer"),
            (l => l["pieces"]![2] = new JsonArray(), "a token's id and bytes disagree"),
            (l => l["text"] = "other", "the tokens do not spell the text"),
        ];
        IEnumerable<string> rows = faults.Select((fault, i) =>
        {
            JsonObject line = ScoreFiles.Line(asked);
            fault.Change(line);
            return Select(i + 1, line, false, "INTEGER", "FLOAT");
        });
        Duck.Write(_run["scores.parquet"], $"SELECT * EXCLUDE n FROM ({string.Join(" UNION ALL ", rows.Prepend(Select(0, ScoreFiles.Line(asked), false, "INTEGER", "FLOAT")))}) ORDER BY n");
        List<Example> read = await ReadAsync(Options(false));
        Assert.Equal(0, Assert.Single(read).Id.Row);
        Assert.Equal(faults.Select(f => f.Reason), _run.Rejected.Select(r => r.Reason));
    }

    [Fact]
    public async Task A_file_that_lacks_a_column_or_holds_another_kind_is_refused_by_name()
    {
        Example asked = Assert.Single(await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(1)));
        Duck.Write(_run["scores.parquet"], Select(0, ScoreFiles.Line(asked), false, "INTEGER", "FLOAT"));
        foreach ((ImportScoresOptions options, string says) in new[]
        {
            (Options(false) with { LogLikelihood = "logprobs" }, "'scores'"), (Options(false) with { LogLikelihood = "ids" }, "Int32"), (Options(false) with { Ids = "scores" }, "Float"),
            (Options(false) with { Text = "pieces" }, "a list"), (Options(false) with { Boundary = "text" }, "not a list"),
        })
        {
            InputException refused = await Assert.ThrowsAsync<InputException>(() => ReadAsync(options));
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        }
    }

    private async Task<List<Example>> ReadAsync(ImportScoresOptions options)
    {
        RunDefinition definition = _run.Definition() with { Teacher = null };
        return await Made.ImportScores(options, _run.Context(definition)).ReadAsync(default).ToListAsync();
    }

    private ImportScoresOptions Options(bool inStructs)
    {
        string at = inStructs ? "tokens." : "";
        return new() { Files = [_run["scores.parquet"]], Tokenizer = _run.Teacher, Ids = $"{at}ids", Bytes = $"{at}pieces", LogLikelihood = $"{at}scores", Boundary = $"{at}mass" };
    }

    private static string Select(int n, JsonObject line, bool inStructs, string whole, string real)
    {
        string text = line["text"] is { } value ? $"'{((string)value!).Replace("'", "''", StringComparison.Ordinal)}'" : "NULL::VARCHAR";
        string[] ids = Each("ids"), scores = Each("scores"), mass = Each("mass");
        string[] pieces = [.. line["pieces"]!.AsArray().Select(p => p is null ? "NULL" : $"'{string.Concat(p.AsArray().Select(b => $"\\x{(int)b!:X2}"))}'")];
        if (!inStructs)
        {
            return $"SELECT {n} AS n, {text} AS text, [{string.Join(',', ids)}]::{whole}[] AS ids, [{string.Join(',', pieces)}]::BLOB[] AS pieces, [{string.Join(',', scores)}]::{real}[] AS scores, [{string.Join(',', mass)}]::{real}[] AS mass";
        }
        IEnumerable<string> tokens = ids.Select((id, i) => $"{{'ids': {id}::{whole}, 'pieces': {pieces[i]}::BLOB, 'scores': {scores[i]}::{real}, 'mass': {mass[i]}::{real}}}");
        return $"SELECT {n} AS n, {text} AS text, [{string.Join(',', tokens)}] AS tokens";

        // As doubles: a number without an exponent is a decimal to the writer, and rounded twice.
        string[] Each(string list) => [.. line[list]!.AsArray().Select(v => v is null ? "NULL" : Convert.ToString(v.GetValue<object>(), CultureInfo.InvariantCulture)! is var number && number.Contains('.') && !number.Contains('E') ? number + "e0" : number)];
    }
}
