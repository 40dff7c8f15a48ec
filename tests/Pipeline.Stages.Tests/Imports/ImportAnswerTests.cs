using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Imports;

/// <summary>What a chat API says of its own answers: the conversation has no scores, the answer has, and the teacher's template is nobody's business.</summary>
[Collection(TorchCollection.Name)]
public sealed class ImportAnswerTests : IDisposable
{
    private const string Template = "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{{ m.content | trim }}<|eot_id|>{% endfor %}";

    private static readonly ChatMessage[] Turns = [new("system", "Be brief."), new("user", "How many apples does Anna have?")];

    private readonly TinyRun _run = new(Template);

    public ImportAnswerTests() => _run.Provide(new InputCatalog(_run.Storage));

    public void Dispose() => _run.Dispose();

    /// <summary>The part of a conversation that is known is aligned as the whole one is where both sides are.</summary>
    [Theory]
    [InlineData("bytes", false)]
    [InlineData("bytes", true)]
    [InlineData(null, false)]
    public async Task An_answer_is_aligned_as_in_a_conversation_of_which_all_is_known(string? tokenizer, bool asParquet)
    {
        const string answer = "Anna has 12 apples.";
        RunDefinition definition = _run.Definition(tokenizer);
        Example asked = Assert.Single(await _run.ScoreAsync(definition, [new TextDocument(new DocumentId(1, 0, 0), "", [.. Turns, new("assistant", answer)])]));
        TokenSequence whole = asked.Teacher!.Tokens;
        byte[] text = Encoding.UTF8.GetBytes(asked.Text);
        int prompt = text.Length - answer.Length, first = Enumerable.Range(0, whole.Count).First(i => whole.ByteEnds[i] > prompt);
        byte[][] pieces = [.. Enumerable.Range(first, whole.Count - first).Select(i => text[whole.ByteEnds[i - 1]..whole.ByteEnds[i]])];
        float[] scores = [.. asked.Teacher.Scores.NegLogLikelihood[first..].Select(s => -s)];

        Example read = Assert.Single(await ReadAsync(definition, Write(answer, pieces, scores, asParquet)));
        Assert.Equal(asked.Text, read.Text);
        Assert.Equal(asked.Student.Ids, read.Student.Ids);
        Assert.Equal(asked.Student.Units, read.Student.Units);
        Assert.Equal(asked.Student.LossMask, read.Student.LossMask);
        Assert.Equal([prompt, .. whole.ByteEnds[first..]], read.Teacher!.Tokens.ByteEnds);
        Assert.Equal([false, .. whole.LossMask![first..]], read.Teacher.Tokens.LossMask!);
        Assert.Equal([0, .. asked.Teacher.Scores.NegLogLikelihood[first..]], read.Teacher.Scores.NegLogLikelihood);
        IEnumerable<Chunk> expected = asked.Chunks.Where(c => c.TeacherStart >= first).Select(c => c with { TeacherStart = c.TeacherStart - first + 1, TeacherEnd = c.TeacherEnd - first + 1 });
        Assert.Equal(expected, read.Chunks);
        Assert.Contains(read.Chunks, c => read.Student.Unit(c.StudentStart) >= UnitLabels.FirstTemplateUnit);
    }

    [Fact]
    public async Task An_answer_that_the_template_trims_is_rejected_by_that_name()
    {
        Assert.Empty(await ReadAsync(_run.Definition(), Write(" yes", [[32, 121], [101, 115]], [-1, -2], asParquet: false)));
        Assert.Equal("the student's chat template changes the answer", Assert.Single(_run.Rejected).Reason);
    }

    [Fact]
    public async Task A_conversation_that_is_none_is_rejected_as_everywhere()
    {
        await File.WriteAllTextAsync(_run["scores.jsonl"], """
            {"messages": [{"role": "user", "content": "a"}], "text": "b", "pieces": ["b"], "scores": [-1]}
            {"messages": [], "text": "b", "pieces": ["b"], "scores": [-1]}
            {"messages": [{"from": "user", "value": "a"}], "text": "b", "pieces": ["b"], "scores": [-1]}
            {"text": "b", "pieces": ["b"], "scores": [-1]}
            """);
        Assert.Single(await ReadAsync(_run.Definition(), Options("scores.jsonl")));
        Assert.Equal([TextRejects.NoMessages, TextRejects.ShareGpt, TextRejects.NoField], _run.Rejected.Select(r => r.Reason));
    }

    [Fact]
    public void The_students_template_is_part_of_what_shards_are_made_from()
    {
        File.WriteAllText(_run["scores.jsonl"], "{}");
        string? Part(ImportScoresOptions options) => Made.ImportScores(options, _run.Context(_run.Definition() with { Teacher = null })).Fingerprint.GetValueOrDefault(FingerprintPart.Templates);
        Assert.NotNull(Part(Options("scores.jsonl")));
        Assert.Null(Part(Options("scores.jsonl") with { Messages = null }));
    }

    private ImportScoresOptions Write(string answer, byte[][] pieces, float[] scores, bool asParquet)
    {
        if (asParquet)
        {
            string turns = string.Join(',', Turns.Select(t => $"{{'role': '{t.Role}', 'content': '{t.Content}'}}"));
            string blobs = string.Join(',', pieces.Select(p => p.Length == 0 ? "NULL" : $"'{string.Concat(p.Select(b => $"\\x{b:X2}"))}'"));
            Duck.Write(_run["scores.parquet"], FormattableString.Invariant($"SELECT [{turns}] AS messages, '{answer}' AS text, [{blobs}]::BLOB[] AS pieces, [{string.Join(',', scores.Select(s => FormattableString.Invariant($"{s:R}e0")))}]::FLOAT[] AS scores"));
            return Options("scores.parquet");
        }
        var line = new JsonObject
        {
            ["messages"] = new JsonArray([.. Turns.Select(t => (JsonNode)new JsonObject { ["role"] = t.Role, ["content"] = t.Content })]),
            ["text"] = answer,
            ["pieces"] = new JsonArray([.. pieces.Select(p => (JsonNode)new JsonArray([.. p.Select(b => (JsonNode)(int)b)]))]),
            ["scores"] = new JsonArray([.. scores.Select(s => (JsonNode)s)]),
        };
        File.WriteAllText(_run["scores.jsonl"], line.ToJsonString());
        return Options("scores.jsonl");
    }

    private ImportScoresOptions Options(string file) => new() { Files = [_run[file]], Messages = "messages", Bytes = "pieces", LogLikelihood = "scores" };

    private async Task<List<Example>> ReadAsync(RunDefinition definition, ImportScoresOptions options)
        => await Made.ImportScores(options, _run.Context(definition with { Teacher = null })).ReadAsync(default).ToListAsync();
}
