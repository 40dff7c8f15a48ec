using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Teacher;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Imports;

/// <summary>What one teacher says, asked by the pipeline and read from a file, is the same; what a file says wrong is rejected by reason.</summary>
[Collection(TorchCollection.Name)]
public sealed class ImportScoresTests : IDisposable
{
    private readonly TinyRun _run = new(backends: [.. TeacherTable.All, TableTeacher.Registration]);

    public ImportScoresTests()
    {
        _run.Provide(new InputCatalog(_run.Storage));
        File.WriteAllLines(_run["table"], Enumerable.Range(0, 400).Select(id => string.Create(CultureInfo.InvariantCulture, $"{id} {0.3f + id % 16 * 0.17f} {2.5f + id % 3 * 0.21f} {1.9f - id % 3 * 0.1f}")));
    }

    public void Dispose() => _run.Dispose();

    public static TheoryData<BoundaryKnowledge, bool, bool> Ways
    {
        get
        {
            var ways = new TheoryData<BoundaryKnowledge, bool, bool>();
            foreach (BoundaryKnowledge knowledge in Enum.GetValues<BoundaryKnowledge>())
            {
                ways.Add(knowledge, true, false);
                ways.Add(knowledge, true, true);
                ways.Add(knowledge, false, true);
            }
            return ways;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_file_of_a_teachers_scores_makes_the_shards_that_asking_it_makes(BoundaryKnowledge knowledge, bool withIds, bool withBytes)
    {
        RunDefinition definition = Definition(knowledge);
        TextDocument[] documents = TinyRun.Documents(12);
        List<Example> asked = await _run.ScoreAsync(definition, documents);
        await File.WriteAllLinesAsync(_run["scores.jsonl"], asked.Select(e => ScoreFiles.Line(e).ToJsonString()));
        ImportScoresOptions options = Options(knowledge, withIds, withBytes);
        List<Example> read = await ReadAsync(options);
        Assert.Empty(_run.Rejected);
        Assert.Equal(asked.Count, read.Count);
        foreach ((Example a, Example b) in asked.Zip(read))
            ScoreFiles.AssertSame(a, b, withIds);

        await _run.WriteShardsAsync(definition, "asked", documents);
        await _run.ImportAsync(definition with { Teacher = null }, "read", options);
        ShardSet left = Open("asked"), right = Open("read");
        Assert.Equal(left.Fingerprint.Boundary, right.Fingerprint.Boundary);
        Assert.Equal(left.Shards.Select(s => s.Version), right.Shards.Select(s => s.Version));
        foreach ((Example a, Example b) in Enumerable.Range(0, left.BlockCount).SelectMany(left.ReadBlock).Zip(Enumerable.Range(0, right.BlockCount).SelectMany(right.ReadBlock), (a, b) => (a, b)))
            ScoreFiles.AssertSame(a, b, withIds);
        Assert.Equal(withIds && options.Tokenizer is not null, right.Fingerprint.Parts.ContainsKey(FingerprintPart.TeacherTokenizer));
    }

    /// <summary>The way from one machine to another: alm score there, import-scores here.</summary>
    [Fact]
    public async Task What_the_score_command_writes_is_what_scoring_keeps()
    {
        RunDefinition definition = _run.Definition();
        TextDocument[] documents = TinyRun.Documents(9);
        List<Example> asked = await _run.ScoreAsync(definition, documents, limits: new() { AddEos = false });
        await File.WriteAllLinesAsync(_run["texts.jsonl"], documents.Select(d => new JsonObject { ["text"] = d.Text }.ToJsonString()));
        await new ScoreFile(_run.Storage, _run.Device).RunAsync(new ScoreFileOptions(_run.Teacher, null, _run["texts.jsonl"], _run["scored.jsonl"]), default);
        await File.WriteAllLinesAsync(_run["scores.jsonl"], File.ReadLines(_run["scored.jsonl"]).Select((line, i) =>
        {
            JsonObject row = JsonNode.Parse(line)!.AsObject();
            row["text"] = documents[i].Text;
            return row.ToJsonString();
        }));
        List<Example> read = await ReadAsync(new ImportScoresOptions
        {
            Files = [_run["scores.jsonl"]],
            Ids = "ids",
            Tokenizer = _run.Teacher,
            Boundary = "logBoundaryMasses",
            AddEos = false,
        });
        Assert.Equal(asked.Count, read.Count);
        foreach ((Example a, Example b) in asked.Zip(read))
        {
            Assert.Equal(a.Teacher!.Tokens.Ids, b.Teacher!.Tokens.Ids);
            Assert.Equal(a.Chunks, b.Chunks);
            // Other batches were computed, so the last bits are the device's business.
            foreach ((float x, float y) in a.Teacher.Scores.NegLogLikelihood.Concat(a.Teacher.Scores.NegLogBoundary!).Zip(b.Teacher.Scores.NegLogLikelihood.Concat(b.Teacher.Scores.NegLogBoundary!)))
                Assert.Equal(x, y, 1e-4);
        }
    }

    [Fact]
    public async Task A_tokenizer_that_puts_a_space_in_front_is_followed()
    {
        string folder = ToyTokenizer.SentencePiece(_run["pieces"], 40, "<s>", "</s>", ["<s>", "</s>"]);
        RunDefinition definition = Definition(BoundaryKnowledge.Exact);
        List<Example> asked = await _run.ScoreAsync(definition with { Teacher = definition.Teacher! with { Tokenizer = folder } }, TinyRun.Documents(8));
        await File.WriteAllLinesAsync(_run["scores.jsonl"], asked.Select(e => ScoreFiles.Line(e).ToJsonString()));
        List<Example> read = await ReadAsync(Options(BoundaryKnowledge.Exact, withIds: true, withBytes: false) with { Tokenizer = folder });
        Assert.Empty(_run.Rejected);
        foreach ((Example a, Example b) in asked.Zip(read))
            ScoreFiles.AssertSame(a, b, withIds: true);
        Assert.Equal(asked.Count, read.Count);
    }

    [Fact]
    public async Task Of_a_prompt_nothing_counts_and_what_follows_is_aligned()
    {
        await File.WriteAllTextAsync(_run["scores.jsonl"], """
            {"question": "How many apples?", "answer": {"content": " She has 42.", "tokens": [{"bytes": [32, 83, 104, 101], "logprob": -0.5}, {"bytes": " has", "logprob": -0.25}, {"bytes": " 42.", "logprob": -1.5}, {"bytes": null, "logprob": -0.125}]}}
            """);
        var options = new ImportScoresOptions
        {
            Files = [_run["scores.jsonl"]],
            Text = "answer.content",
            Prompt = "question",
            Bytes = "answer.tokens.bytes",
            LogLikelihood = "answer.tokens.logprob",
        };
        Example example = Assert.Single(await ReadAsync(options));
        Assert.Equal("How many apples? She has 42.", example.Text);
        TokenSequence teacher = example.Teacher!.Tokens;
        Assert.Equal([16, 20, 24, 28, 28], teacher.ByteEnds);
        Assert.Equal([UnitLabels.Text, UnitLabels.Text, UnitLabels.Text, UnitLabels.Text, UnitLabels.Eos], teacher.Units!);
        Assert.Equal([false, true, true, true, true], teacher.LossMask!);
        Assert.Equal([0, 0.5f, 0.25f, 1.5f, 0.125f], example.Teacher.Scores.NegLogLikelihood);
        Assert.Null(example.Teacher.Scores.NegLogBoundary);
        // One chunk for the prompt, one for each word and one for the end; of the student's bytes those behind the prompt count.
        Assert.Equal([1, 2, 3, 4, 5], example.Chunks.Select(c => c.TeacherEnd));
        Assert.Equal(12 + 1, example.Student.LossMask!.Count(counts => counts));
    }

    /// <summary>Each fault, what of a good line it changes, and the reason it is counted by.</summary>
    [Theory]
    [InlineData("no json", "line is not JSON")]
    [InlineData("nan", "line is not JSON")]
    [InlineData("array", "line is not a JSON object")]
    [InlineData("no field", "field is missing")]
    [InlineData("null text", "text is null")]
    [InlineData("other text", "the tokens do not spell the text")]
    [InlineData("shifted", "the tokens do not spell the text")]
    [InlineData("one token less", "the fields of the tokens have different lengths")]
    [InlineData("last token gone", "the tokens do not spell the text")]
    [InlineData("another order", "the tokens do not spell the text")]
    [InlineData("id of another", "a token's id and bytes disagree")]
    [InlineData("id of nobody", "an id is not in the teacher's tokenizer")]
    [InlineData("half an id", "a token's id is not a whole number")]
    [InlineData("byte 256", "a token's bytes are neither text nor numbers from 0 to 255")]
    [InlineData("positive", "a number is not a log-probability")]
    [InlineData("null score", "a number is not a log-probability")]
    [InlineData("text score", "a number is not a log-probability")]
    [InlineData("null mass", "a number is not a log-probability")]
    [InlineData("no list", "a field of the tokens is not a list")]
    [InlineData("no tokens", "there are no tokens")]
    [InlineData("decomposed", "text is not well-formed and NFC")]
    [InlineData("long", "longer than the limit")]
    public async Task What_does_not_fit_is_rejected_by_reason_and_the_rest_is_read(string fault, string reason)
    {
        List<Example> asked = await _run.ScoreAsync(Definition(BoundaryKnowledge.Exact), TinyRun.Documents(3));
        string[] lines = [.. asked.Select(e => ScoreFiles.Line(e).ToJsonString())];
        lines[1] = Broken(fault, ScoreFiles.Line(asked[1]), asked[2]);
        await File.WriteAllLinesAsync(_run["scores.jsonl"], lines);
        List<Example> read = await ReadAsync(Options(BoundaryKnowledge.Exact, withIds: true, withBytes: true) with { MaxTeacherTokens = 100 });
        Assert.Equal([0L, 2L], read.Select(e => e.Id.Row));
        Assert.Equal([reason], _run.Rejected.Select(r => r.Reason));
        Assert.Equal(1, _run.Rejected[0].Id.Row);
    }

    [Fact]
    public async Task Bounds_the_wrong_way_round_are_rejected_and_missing_ones_are_unknown()
    {
        List<Example> asked = await _run.ScoreAsync(Definition(BoundaryKnowledge.Interval), TinyRun.Documents(2));
        JsonObject reversed = ScoreFiles.Line(asked[0]), missing = ScoreFiles.Line(asked[1]);
        (reversed["least"], reversed["most"]) = (reversed["most"]!.DeepClone(), reversed["least"]!.DeepClone());
        missing["least"]![1] = missing["most"]![1] = null;
        await File.WriteAllLinesAsync(_run["scores.jsonl"], [reversed.ToJsonString(), missing.ToJsonString()]);
        Example read = Assert.Single(await ReadAsync(Options(BoundaryKnowledge.Interval, withIds: false, withBytes: true)));
        Assert.Equal("a lower bound is above its upper bound", Assert.Single(_run.Rejected).Reason);
        BoundaryInterval bounds = read.Teacher!.Scores.Interval!;
        Assert.Equal(((float)Half.MaxValue, 0f), (bounds.NegLogLower[1], bounds.NegLogUpper[1]));
        Assert.Equal(asked[1].Teacher!.Scores.Interval!.NegLogUpper[2..], bounds.NegLogUpper[2..]);
    }

    [Fact]
    public async Task A_file_without_one_usable_line_is_refused_with_what_is_wrong()
    {
        await File.WriteAllTextAsync(_run["scores.jsonl"], "\n{\"text\": \"a\"}\n");
        InputException refused = await Assert.ThrowsAsync<InputException>(() => ReadAsync(Options(BoundaryKnowledge.None, withIds: false, withBytes: true)));
        Assert.Contains("line 2", refused.Message, StringComparison.Ordinal);
        Assert.Contains("'pieces'", refused.Message, StringComparison.Ordinal);
    }

    private static string Broken(string fault, JsonObject line, Example other)
    {
        JsonArray bytes = line["pieces"]!.AsArray(), ids = line["ids"]!.AsArray(), scores = line["scores"]!.AsArray();
        switch (fault)
        {
            case "no json":
                return line.ToJsonString()[..^2];
            case "nan":
                return line.ToJsonString().Replace("\"scores\":[", "\"scores\":[NaN,", StringComparison.Ordinal);
            case "array":
                return "[]";
            case "no field":
                line.Remove("scores");
                break;
            case "null text":
                line["text"] = null;
                break;
            case "other text":
                line["text"] = other.Text;
                break;
            case "shifted":
                foreach (JsonArray list in new[] { bytes, ids })
                {
                    JsonNode? first = list[1];
                    list.RemoveAt(1);
                    list.Add(first);
                }
                break;
            case "one token less":
                ids.RemoveAt(ids.Count - 1);
                break;
            case "last token gone":
                foreach (string list in new[] { "pieces", "ids", "scores", "mass" })
                {
                    line[list]!.AsArray().RemoveAt(bytes.Count - 1);
                    if (list != "pieces") line[list]!.AsArray().RemoveAt(bytes.Count - 1);
                }
                bytes.RemoveAt(bytes.Count - 1);
                break;
            case "another order":
                line["pieces"] = new JsonArray([.. bytes.Reverse().Select(b => b?.DeepClone())]);
                line["ids"] = new JsonArray([.. ids.Reverse().Select(b => b?.DeepClone())]);
                break;
            case "id of another":
                ids[2] = (int)ids[2]! + 1;
                break;
            case "id of nobody":
                ids[2] = 100_000;
                break;
            case "half an id":
                ids[2] = 1.5;
                break;
            case "byte 256":
                bytes[2] = new JsonArray(256);
                break;
            case "positive":
                scores[2] = 0.5;
                break;
            case "null score":
                scores[2] = null;
                break;
            case "text score":
                scores[2] = "-1";
                break;
            case "null mass":
                line["mass"]![2] = null;
                break;
            case "no list":
                line["scores"] = -1;
                break;
            case "no tokens":
                foreach (string list in new[] { "pieces", "ids", "scores", "mass" })
                    line[list] = new JsonArray();
                break;
            case "decomposed":
                line["text"] = "e\u0301";
                break;
            default:
                foreach (string list in new[] { "pieces", "ids", "scores", "mass" })
                    line[list] = new JsonArray([.. Enumerable.Repeat(line[list]!.AsArray()[2], 200).Select(n => n!.DeepClone())]);
                line["text"] = string.Concat(Enumerable.Repeat(Encoding.UTF8.GetString([.. line["pieces"]![0]!.AsArray().Select(b => (byte)(int)b!)]), 200));
                break;
        }
        return line.ToJsonString();
    }

    private async Task<List<Example>> ReadAsync(ImportScoresOptions options)
        => await Made.ImportScores(options, _run.Context(Definition(BoundaryKnowledge.Exact) with { Teacher = null })).ReadAsync(default).ToListAsync();

    private ImportScoresOptions Options(BoundaryKnowledge knowledge, bool withIds, bool withBytes) => new()
    {
        Files = [_run["scores.jsonl"]],
        Ids = withIds ? "ids" : null,
        Tokenizer = withIds ? _run.Teacher : null,
        Bytes = withBytes ? "pieces" : null,
        LogLikelihood = "scores",
        Boundary = knowledge == BoundaryKnowledge.Exact ? "mass" : null,
        BoundaryLower = knowledge == BoundaryKnowledge.Interval ? "least" : null,
        BoundaryUpper = knowledge == BoundaryKnowledge.Interval ? "most" : null,
    };

    private ShardSet Open(string folder) => ShardSet.Open(_run.Storage, _run[folder], new Dictionary<string, string>());

    private RunDefinition Definition(BoundaryKnowledge knowledge)
        => _run.Definition() with { Teacher = new TableTeacherDefinition { Model = _run["table"], Tokenizer = _run.Teacher, Boundary = knowledge } };
}
