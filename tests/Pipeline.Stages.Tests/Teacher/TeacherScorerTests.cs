using Pipeline.Contracts.Records;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Teacher;

[Collection(TorchCollection.Name)]
public sealed class TeacherScorerTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Scores_are_those_of_whole_logits()
    {
        List<Example> examples = await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(9), new() { BatchTokens = 150, Window = 4 });
        TextTokenizer tokenizer = TextTokenizer.Load(_run.Teacher, _run.Storage);
        using CausalLm model = CausalLm.Load(_run.Teacher, _run.Storage, CPU, ScalarType.Float32);
        Assert.True(model.Config.VocabularySize > tokenizer.VocabularySize);
        foreach (Example example in examples)
        {
            using var scope = NewDisposeScope();
            int[] ids = example.Teacher!.Tokens.Ids;
            (Tensor logits, _) = LogitsFile.Compute(model, tensor(Array.ConvertAll(ids, i => (long)i)).unsqueeze(0), null, null);
            double[][] logP = [.. Enumerable.Range(0, ids.Length).Select(t => LogSoftmax([.. logits[0][t].cpu().data<float>().Take(tokenizer.VocabularySize).Select(x => (double)x)]))];
            Assert.Equal(0f, example.Teacher.Scores.NegLogLikelihood[0]);
            for (int t = 0; t < ids.Length; t++)
            {
                if (t > 0)
                    AssertClose(-logP[t - 1][ids[t]], example.Teacher.Scores.NegLogLikelihood[t]);
                double mass = Enumerable.Range(0, tokenizer.VocabularySize).Where(IsBoundary).Sum(id => Math.Exp(logP[t][id]));
                AssertClose(-Math.Log(mass), example.Teacher.Scores.NegLogBoundary![t]);
            }
        }

        bool IsBoundary(int id) => tokenizer.IsSpecial(id) || (tokenizer.ByteView(id).Length > 0 && tokenizer.ByteView(id)[0] is 0x20 or 0x0A or 0x09);
    }

    [Fact]
    public async Task Batches_and_windows_change_neither_order_nor_scores()
    {
        TextDocument[] documents = TinyRun.Documents(11);
        List<Example> one = await _run.ScoreAsync(_run.Definition(), documents, new() { BatchTokens = 1, Window = 1 });
        List<Example> many = await _run.ScoreAsync(_run.Definition(), documents, new() { BatchTokens = 400, Window = 64 });
        Assert.Equal(documents.Select(d => d.Id), many.Select(e => e.Id));
        Assert.Equal(documents.Select(d => d.Id), one.Select(e => e.Id));
        for (int i = 0; i < one.Count; i++)
        {
            TeacherScores a = one[i].Teacher!.Scores, b = many[i].Teacher!.Scores;
            for (int t = 0; t < a.NegLogLikelihood.Length; t++)
            {
                AssertClose(a.NegLogLikelihood[t], b.NegLogLikelihood[t]);
                AssertClose(a.NegLogBoundary![t], b.NegLogBoundary![t]);
            }
        }
        Assert.InRange(_run.Counts["paddingTokens"], 1, _run.Counts["tokens"]);
    }

    [Fact]
    public async Task Hidden_states_are_those_at_the_last_teacher_token_of_each_chunk()
    {
        Example example = (await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(3), new() { HiddenLayers = [1, -1] }))[2];
        using CausalLm model = CausalLm.Load(_run.Teacher, _run.Storage, CPU, ScalarType.Float32);
        using var scope = NewDisposeScope();
        (_, Tensor hidden) = LogitsFile.Compute(model, tensor(Array.ConvertAll(example.Teacher!.Tokens.Ids, i => (long)i)).unsqueeze(0), null, null);
        TeacherHidden states = example.Teacher.Hidden!;
        Assert.Equal([1, 2], states.Layers);
        for (int layer = 0; layer < 2; layer++)
        {
            for (int c = 0; c < example.Chunks.Length; c++)
            {
                float[] expected = hidden[states.Layers[layer]][0][example.Chunks[c].TeacherEnd - 1].cpu().data<float>().ToArray();
                for (int h = 0; h < 32; h++)
                    Assert.Equal(expected[h], (float)states.Values[((layer * example.Chunks.Length) + c) * 32 + h], 0.002f * (1 + Math.Abs(expected[h])));
            }
        }
    }

    private static void AssertClose(double expected, float found)
        => Assert.True(Math.Abs(expected - found) <= 1e-5 * (1 + Math.Abs(expected)), $"{found} for {expected}");

    private static double[] LogSoftmax(double[] logits)
    {
        double largest = logits.Max(), normalizer = largest + Math.Log(logits.Sum(x => Math.Exp(x - largest)));
        return [.. logits.Select(x => x - normalizer)];
    }
}
