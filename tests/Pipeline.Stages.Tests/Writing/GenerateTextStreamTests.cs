using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Writing;

namespace Pipeline.Stages.Tests.Writing;

[Collection(TorchCollection.Name)]
public sealed class GenerateTextStreamTests : IDisposable
{
    private const string Template = "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{{ m.content }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>{% endif %}";

    private readonly TinyRun _run = new(Template);

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_text_goes_on_as_the_model_goes_on_and_a_conversation_gets_an_answer()
    {
        TextDocument[] prompts = [.. TinyRun.Documents(3), new TextDocument(new DocumentId(7, 3, 0), "", [new ChatMessage("user", "How many apples?")])];
        List<TextDocument> written = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 9, Temperature = 0, Batch = 3 }, prompts);

        Assert.Equal(prompts.Select(p => p.Id), written.Select(w => w.Id));
        for (int i = 0; i < 3; i++)
            Assert.Equal(prompts[i].Text + await Expected(prompts[i].Text, 9), written[i].Text);
        Assert.Equal(["user", "assistant"], written[3].Messages!.Select(m => m.Role));
        Assert.Equal(await Expected("<|start_header_id|>user<|end_header_id|>How many apples?<|eot_id|><|start_header_id|>assistant<|end_header_id|>", 9), written[3].Messages![1].Content);
        Assert.InRange(_run.Counts["newTokens"], 1, 4 * 9);
    }

    [Fact]
    public async Task Draws_are_a_prompts_own_whatever_stands_beside_it_in_a_batch()
    {
        TextDocument[] prompts = TinyRun.Documents(5);
        List<TextDocument> alone = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 12, Batch = 1 }, prompts);
        List<TextDocument> together = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 12, Batch = 4 }, prompts[1..]);
        List<TextDocument> greedy = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 12, Temperature = 0 }, prompts);

        Assert.Equal(alone[1..].Select(d => d.Text), together.Select(d => d.Text));
        Assert.NotEqual(alone.Select(d => d.Text), greedy.Select(d => d.Text));
        // The same words, in another place of the file, are continued otherwise.
        List<TextDocument> moved = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 12 }, [prompts[1] with { Id = new DocumentId(7, 99, 0) }]);
        Assert.NotEqual(alone[1].Text, moved[0].Text);
    }

    [Fact]
    public async Task Answers_that_the_limit_cut_are_counted_and_may_be_rejected()
    {
        List<TextDocument> kept = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 1, Temperature = 0 }, TinyRun.Documents(4));
        long cut = _run.Counts["cutAnswers"];
        List<TextDocument> whole = await WriteAsync(new GenerateTextOptions { MaxNewTokens = 1, Temperature = 0, CutAnswers = CutAnswers.Reject }, TinyRun.Documents(4));

        Assert.Equal(4, kept.Count);
        Assert.True(cut > 0);
        Assert.Equal(4 - cut, whole.Count);
        Assert.Equal(cut, _run.Rejected.Count(r => r.Reason == "the answer was cut"));
    }

    [Fact]
    public void The_rule_of_writing_is_part_of_what_shards_are_made_from_and_a_teacher_that_cannot_write_is_refused()
    {
        RunDefinition definition = _run.Definition();
        string Part(GenerateTextOptions options) => Made.GenerateText(options, _run.Context(definition)).Fingerprint[FingerprintPart.Writing];
        Assert.NotEqual(Part(new()), Part(new() { TopK = 4 }));
        TeacherNeed need = Assert.Single(((IAsksTeacher)new GenerateTextOptions()).TeacherNeeds);
        Assert.False(need.IsMet(new TeacherAbilities(BoundaryKnowledge.Exact)));
    }

    private async Task<List<TextDocument>> WriteAsync(GenerateTextOptions options, TextDocument[] prompts)
        => await Made.GenerateText(options, _run.Context(_run.Definition())).RunAsync(prompts.ToAsyncEnumerable(), default).ToListAsync();

    private Task<string> Expected(string prompt, int tokens) => _run.Device.RunAsync(() =>
    {
        using LanguageModel model = LanguageModel.Load(_run.Teacher, Pipeline.Stages.Tokenization.TextTokenizer.Load(_run.Teacher, _run.Storage), _run.Storage, _run.Device);
        var continuation = new Continuation(model.Tokenizer, prompt);
        var options = new GenerationOptions { MaxNewTokens = tokens };
        return string.Concat(new TextGenerator(model.Generator(options), continuation.Decode, options)
            .Run([continuation.Prompt], EndTokens.Read(_run.Teacher, model.Tokenizer, _run.Storage), model.ValidRows).Select(p => p.Text));
    });
}
