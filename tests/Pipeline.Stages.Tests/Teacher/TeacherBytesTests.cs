using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Teacher;

[Collection(TorchCollection.Name)]
public sealed class TeacherBytesTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(NextByteKnowledge.Trunk)]
    [InlineData(NextByteKnowledge.Exact)]
    public async Task What_is_kept_are_the_laws_of_the_documents_alone(NextByteKnowledge view)
    {
        ScoreTeacherOptions options = new() { BatchTokens = 200, Window = 5, Bytes = view, PruneShare = 0, MaxKept = 7, KeepShare = 0.95 };
        List<Example> examples = await _run.ScoreAsync(_run.Definition(), TinyRun.Documents(9), options);
        Each(examples, view, (example, k, p) =>
        {
            TeacherBytes bytes = example.Teacher!.Bytes!;
            bytes.Validate(Encoding.UTF8.GetByteCount(example.Text));
            int start = bytes.Starts[k], count = bytes.Starts[k + 1] - start;
            AssertClose(p[256], Math.Exp(-bytes.NegLogEnd[k]));
            double named = p[256], least = 1;
            for (int i = start; i < start + count; i++)
            {
                AssertClose(p[bytes.Symbols[i]], Math.Exp(-bytes.NegLogProbabilities[i]));
                named += p[bytes.Symbols[i]];
                least = Math.Min(least, p[bytes.Symbols[i]]);
            }
            AssertClose(1 - named, Math.Exp(-bytes.NegLogRest[k]));
            // As many as are needed and no more, and none that is left out is likelier.
            Assert.True(count == 7 || named >= 0.95 - 1e-6);
            Assert.True(count == 0 || named - least < 0.95 + 1e-6);
            double likeliest = Enumerable.Range(0, 256).Where(x => Array.IndexOf(bytes.Symbols, (byte)x, start, count) < 0).Max(x => p[x]);
            Assert.True(count == 0 || likeliest <= least + 1e-6);
        });
        Assert.Equal(examples.Sum(e => Encoding.UTF8.GetByteCount(e.Text)), _run.Counts["textBytes"]);
        Assert.InRange(_run.Counts["byteContexts"], examples.Sum(e => e.Teacher!.Tokens.Count) - examples.Count, long.MaxValue);
    }

    [Fact]
    public async Task Scores_with_next_bytes_are_those_without()
    {
        TextDocument[] documents = TinyRun.Documents(7);
        List<Example> plain = await _run.ScoreAsync(_run.Definition(), documents);
        foreach (NextByteKnowledge view in (NextByteKnowledge[])[NextByteKnowledge.Trunk, NextByteKnowledge.Exact])
        {
            List<Example> scored = await _run.ScoreAsync(_run.Definition(), documents, new() { Bytes = view });
            foreach ((Example a, Example b) in plain.Zip(scored))
            {
                Assert.Null(a.Teacher!.Bytes);
                for (int t = 0; t < a.Teacher.Tokens.Count; t++)
                {
                    AssertClose(a.Teacher.Scores.NegLogLikelihood[t], b.Teacher!.Scores.NegLogLikelihood[t]);
                    AssertClose(a.Teacher.Scores.NegLogBoundary![t], b.Teacher.Scores.NegLogBoundary![t]);
                }
            }
        }
    }

    [Fact]
    public async Task Pruned_contexts_move_no_row_by_more_than_what_is_booked()
    {
        TextDocument[] documents = TinyRun.Documents(6);
        ScoreTeacherOptions all = new() { Bytes = NextByteKnowledge.Exact, PruneShare = 0, MaxKept = 256, KeepShare = 1 };
        List<Example> whole = await _run.ScoreAsync(_run.Definition(), documents, all);
        long wholeContexts = _run.Counts["byteContexts"];
        Assert.False(_run.Counts.ContainsKey("lostByteMillionths"));
        List<Example> pruned = await _run.ScoreAsync(_run.Definition(), documents, all with { PruneShare = 0.05 });
        Assert.InRange(_run.Counts["byteContexts"] - wholeContexts, 1, wholeContexts - 1);
        double booked = (_run.Counts["lostByteMillionths"] + 1) / 1e6, worst = 0;
        Assert.True(booked > 1e-6);
        foreach ((TeacherBytes a, TeacherBytes b) in whole.Zip(pruned, (a, b) => (a.Teacher!.Bytes!, b.Teacher!.Bytes!)))
        {
            for (int row = 0; row < a.Rows; row++)
                worst = Math.Max(worst, Row(a, row).Zip(Row(b, row), (x, y) => Math.Abs(x - y)).Sum() / 2);
        }
        Assert.InRange(worst, 1e-9, booked);
    }

    [Fact]
    public async Task A_document_that_was_cut_has_no_end()
    {
        TextDocument document = TinyRun.Documents(4)[3];
        List<Example> parts = await _run.ScoreAsync(_run.Definition(), [document], new() { Bytes = NextByteKnowledge.Trunk }, new() { MaxTeacherTokens = 24 });
        Assert.True(parts.Count > 1);
        Assert.All(parts.SkipLast(1), part => Assert.False(part.Teacher!.Bytes!.Has(part.Teacher.Bytes.Rows - 1)));
        Assert.True(parts[^1].Teacher!.Bytes!.Has(parts[^1].Teacher!.Bytes!.Rows - 1));
    }

    [Fact]
    public async Task Each_turn_of_a_conversation_is_conditioned_on_all_before_it()
    {
        using var run = new TinyRun("{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n{{ m.content }}<|eot_id|>{% endfor %}");
        var document = new TextDocument(new DocumentId(7, 1, 0), "", [new ChatMessage("user", "How many apples?"), new ChatMessage("assistant", "She has 12.")]);
        Example example = Assert.Single(await run.ScoreAsync(run.Definition(), [document], new() { Bytes = NextByteKnowledge.Trunk, MaxKept = 256, KeepShare = 1 }));
        TextTokenizer tokenizer = TextTokenizer.Load(run.Teacher, run.Storage);
        using LanguageModel model = LanguageModel.Load(run.Teacher, tokenizer, run.Storage, run.Device);
        TokenSequence tokens = example.Teacher!.Tokens;
        int length = Encoding.UTF8.GetByteCount(example.Text), turn = Encoding.UTF8.GetByteCount("How many apples?");
        using IDisposable quiet = no_grad();
        using var scope = NewDisposeScope();
        using Tensor ids = tensor(Array.ConvertAll(tokens.Ids, i => (long)i)).unsqueeze(0);
        Tensor p_TV = model.Model.Logits(model.Hidden(ids)[0]).narrow(1, 0, tokenizer.VocabularySize).softmax(1).cpu();
        // Where a turn begins nothing but the token before it says what comes: its sums by the first byte.
        foreach (int from in (int[])[0, turn])
        {
            int first = Enumerable.Range(0, tokens.Count).Single(t => tokens.Unit(t) == UnitLabels.Text && t > 0 && tokens.ByteEnds[t - 1] == from && tokens.ByteEnds[t] > from);
            float[] p = [.. p_TV[first - 1].data<float>()];
            double[] sums = new double[256];
            for (int id = 0; id < p.Length; id++)
            {
                if (!tokenizer.IsSpecial(id) && tokenizer.ByteView(id) is { Length: > 0 } view && (view[0] & 0xC0) != 0x80 && view[0] < 0xF5 && view[0] is not (0xC0 or 0xC1))
                    sums[view[0]] += p[id];
            }
            double end = EndTokens.Read(run.Teacher, tokenizer, run.Storage).Where(tokenizer.IsMark).Sum(id => p[id]), all = sums.Sum() + end;
            double[] row = Row(example.Teacher.Bytes!, from);
            for (int x = 0; x < 256; x++)
                AssertClose(sums[x] / all, row[x]);
        }
        // The template ends the last turn, and not the text.
        Assert.False(example.Teacher.Bytes!.Has(length));
        Assert.All(Enumerable.Range(0, length), k => Assert.True(example.Teacher.Bytes.Has(k)));
    }

    // Against one document at a time through the other way in, without batch, cache or padding.
    private void Each(List<Example> examples, NextByteKnowledge view, Action<Example, int, double[]> check)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(_run.Teacher, _run.Storage);
        using LanguageModel model = LanguageModel.Load(_run.Teacher, tokenizer, _run.Storage, _run.Device);
        var vocabulary = new ByteVocabulary(tokenizer, EndTokens.Read(_run.Teacher, tokenizer, _run.Storage), model.Model.Config.VocabularySize);
        using var alone = new NextByteModel(model.Model, vocabulary);
        foreach (Example example in examples)
        {
            ByteText text = ByteText.Of(example.Text, tokenizer.CreateEncoder(), vocabulary, tokenizer.BosId);
            ScoredBytes scored = alone.Score([text], view == NextByteKnowledge.Exact ? BytesView.Exact : BytesView.Trunk)[0];
            double[] p = new double[ByteVocabulary.Symbols];
            for (int k = 0; k < text.Rows.Length; k++)
            {
                scored.Row(k, p);
                Assert.Equal(1, p.Sum(), 1e-9);
                check(example, k, p);
            }
        }
    }

    private static double[] Row(TeacherBytes bytes, int row)
    {
        double[] p = new double[257];
        for (int i = bytes.Starts[row]; i < bytes.Starts[row + 1]; i++)
            p[bytes.Symbols[i]] = Math.Exp(-bytes.NegLogProbabilities[i]);
        p[256] = Math.Exp(-bytes.NegLogEnd[row]);
        return p;
    }

    private static void AssertClose(double expected, double found)
        => Assert.True(Math.Abs(expected - found) <= 2e-5 * (1 + Math.Abs(expected)), $"{found} for {expected}");
}
