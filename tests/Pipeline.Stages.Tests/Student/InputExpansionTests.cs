using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class InputExpansionTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Each_byte_gets_the_embedding_of_the_longest_old_token_that_ends_there()
        => await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = _run.CreateStudent(_run.Definition(inputExpansion: true));
            using CausalLm old = CausalLm.Load(_run.Teacher, _run.Storage, TestDevice.Device, ScalarType.Float32);
            TextTokenizer source = TextTokenizer.Load(_run.Teacher, _run.Storage);
            int[] ids = student.Tokenizer.CreateEncoder().EncodeDocument("She has 12 apples and the answer.", true, false).Ids;
            Tensor embedded = student.Embed(tensor(Array.ConvertAll(ids, i => (long)i), device: TestDevice.Device).unsqueeze(0))[0];
            int longer = 0;
            for (int t = 1; t < ids.Length; t++)
            {
                int best = -1;
                for (int length = 1; length <= Math.Min(16, t) && best != -2; length++)
                {
                    byte[] bytes = [.. Enumerable.Range(t - length + 1, length).SelectMany(i => student.Tokenizer.ByteView(ids[i]).ToArray())];
                    int match = Enumerable.Range(0, source.VocabularySize).FirstOrDefault(id => !source.IsMark(id) && source.ByteView(id).SequenceEqual(bytes), -1);
                    if (match >= 0)
                        (best, longer) = (match, longer + (length > 1 ? 1 : 0));
                }
                Tensor expected = student.Model.EmbeddingWeight[ids[t]] + old.EmbeddingWeight[best];
                Assert.True(embedded[t].allclose(expected), $"position {t}");
            }
            Assert.True(longer > 5);
        });

    [Fact]
    public async Task A_trained_student_scores_the_same_when_it_is_loaded_again()
    {
        RunDefinition definition = _run.Definition(inputExpansion: true);
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(5))];
        UpdateStudentOptions options = new() { To = "student", Steps = 3, LearningRate = 1e-2, Objectives = new() { Alm = new(), Sft = new() }, ExportWithoutExpansion = true };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = _run.CreateStudent(definition);
            TrainedParameters.Choose(student, options, 1);
            float[] before = student.Expansion!.Table_VH.detach().cpu().data<float>().ToArray();
            StudentBatch batch = new(examples, examples.Max(e => e.Student.Count), default);
            using (var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), TestDevice.Device)))
            {
                Assert.Contains(ExpandedInput.WeightName, trainer.Weights.Select(w => w.Name));
                for (int step = 0; step < 3; step++)
                    Assert.True(trainer.Step([(batch, trainer.Tables(batch))], step).Applied);
            }
            Assert.NotEqual(before, student.Expansion.Table_VH.detach().cpu().data<float>().ToArray());
            StudentExport.Write(student, options, RunSite.Of(_run.Context(definition)));

            using var quiet = no_grad();
            BatchTensors rows = BatchTensors.Of([.. examples.Select(e => e.Student.Ids)], TestDevice.Device);
            Tensor ids = rows.Ids_BT;
            using AttentionContext attention = student.Model.CreateAttention((int)ids.size(0), (int)ids.size(1));
            Tensor trained = student.Expansion.Hidden(student.Model, ids, attention);
            TextTokenizer tokenizer = TextTokenizer.Load(_run["student"], _run.Storage);
            using LanguageModel loaded = LanguageModel.Load(_run["student"], tokenizer, _run.Storage, _run.Device);
            using LanguageModel plain = LanguageModel.Load(_run["student" + StudentExport.PlainSuffix], tokenizer, _run.Storage, _run.Device);
            Assert.Equal(trained.cpu().data<float>().ToArray(), loaded.Hidden(rows).cpu().data<float>().ToArray());
            Assert.False(trained.allclose(plain.Hidden(rows)));

            using LanguageModel again = _run.CreateStudent(_run.Definition(null, model: _run["student"]));
            Assert.Equal(student.Expansion.Table_VH.detach().cpu().data<float>().ToArray(), again.Expansion!.Table_VH.detach().cpu().data<float>().ToArray());
            Assert.Throws<InputException>(() => _run.CreateStudent(_run.Definition(_run.Teacher, model: _run["student"])));
        });
    }

    [Fact]
    public async Task Generation_sees_the_tokens_that_end_at_new_bytes()
        => await _run.Device.RunAsync(() =>
        {
            using LanguageModel student = _run.CreateStudent(_run.Definition(inputExpansion: true));
            int[][] prompts = [student.Tokenizer.CreateEncoder().EncodeDocument("She has", true, false).Ids, student.Tokenizer.CreateEncoder().EncodeDocument("The answer is", true, false).Ids];
            var options = new GenerationOptions { MaxNewTokens = 12 };
            var generator = new TokenGenerator(student.Model, options, ids => student.Embed(ids));
            int[][] cached = Ids(generator.Run(prompts, new HashSet<int>())), whole = Ids(generator.Run(prompts, new HashSet<int>(), useCache: false));
            Assert.Equal(whole, cached);
            Assert.NotEqual(cached, Ids(new TokenGenerator(student.Model, options).Run(prompts, new HashSet<int>())));
            for (int i = 0; i < prompts.Length; i++)
                Assert.Equal(cached[i], Ids(generator.Run([prompts[i]], new HashSet<int>()))[0]);
        });

    [Fact]
    public async Task It_is_for_bytes_and_can_be_frozen()
        => await _run.Device.RunAsync(() =>
        {
            string tokenizer = Alignment.ToyTokenizer.SentencePiece(_run["other"], 60, "<s>", "</s>", ["<s>", "</s>"]);
            Assert.Throws<DefinitionException>(() => _run.CreateStudent(_run.Definition(tokenizer, inputExpansion: true)));
            Assert.Throws<DefinitionException>(() => _run.CreateStudent(_run.Definition(null, inputExpansion: true)));
            using LanguageModel student = _run.CreateStudent(_run.Definition(inputExpansion: true));
            TrainedParameters.Choose(student, new() { To = "x", Steps = 1, Objectives = new(), Freeze = [ExpandedInput.WeightName] }, 1);
            Assert.DoesNotContain(ExpandedInput.WeightName, student.Trainable.Select(p => p.Name));
            Assert.Contains("model.embed_tokens.weight", student.Trainable.Select(p => p.Name));
        });

    private static int[][] Ids(IEnumerable<GeneratedToken> tokens)
        => [.. tokens.ToArray().GroupBy(t => t.Prompt).OrderBy(g => g.Key).Select(g => g.Select(t => t.Id).ToArray())];
}
