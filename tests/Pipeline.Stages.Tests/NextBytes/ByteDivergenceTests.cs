using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tests.Shards;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>
/// The divergence of next bytes and its gradients, against a slow twin: it computes in float64, tries every token for every symbol, and leaves the
/// gradients to autograd.
/// </summary>
public sealed class ByteDivergenceTests : TorchTest
{
    private const int Hidden = 12;

    [Theory]
    [InlineData(1, null)]
    [InlineData(2, 3.0)]
    [InlineData(3, null)]
    public void Of_bytes_it_is_that_of_the_slow_twin(int seed, double? softcap)
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>");
        Example[] examples = [.. Enumerable.Range(0, 3).Select(i => ExampleSamples.WithNextBytes(ExampleSamples.Realistic(seed + i, words: 5), seed + i))];
        Check(tokenizer, tokenizer.EosId!.Value, Masked(examples, tokenizer.EosId.Value), softcap, seed);
    }

    [Theory]
    [InlineData(4, null)]
    [InlineData(5, 2.0)]
    [InlineData(6, null)]
    [InlineData(7, null)]
    public void Of_longer_tokens_it_is_that_of_the_slow_twin(int seed, double? softcap)
    {
        var toy = new ToyBpe(seed, mostMerges: 12);
        Example[] examples = [.. Enumerable.Range(0, 4).Select(i =>
        {
            string text = toy.Text(new Random(seed + i), 20);
            int[] ids = toy.Encode(text);
            int end = 0;
            int[] ends = [0, .. ids.Select(id => end += toy.Tokenizer.ByteView(id).Length), text.Length];
            var student = new TokenSequence([toy.Begin, .. ids, toy.End], ends, [UnitLabels.Bos, .. new ushort[ids.Length], UnitLabels.Eos]);
            var example = new Example(new DocumentId(1, i, 0), text, student, new TeacherView(student, new TeacherScores(new float[ends.Length], new float[ends.Length])), []);
            return ExampleSamples.WithNextBytes(example, seed * i);
        })];
        Assert.Contains(examples, e => e.Student.Count - 2 < Encoding.UTF8.GetByteCount(e.Text));
        Check(toy.Tokenizer, toy.End, examples, softcap, seed);
    }

    [Fact]
    public void A_student_that_says_what_the_teacher_says_has_nothing_to_lose_and_no_gradient()
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);
        var vocabulary = new ByteVocabulary(tokenizer, new HashSet<int> { tokenizer.EosId!.Value }, tokenizer.VocabularySize);
        Tensor head = randn([tokenizer.VocabularySize, Hidden], generator: new Generator(3)), hidden = randn([2, Hidden], generator: new Generator(4)).requires_grad_();
        // Id 256 is neither a byte nor the end. It gets only a little mass.
        head[256] = tensor(0f);
        double[] p = Softmax([.. hidden.detach()[0].unsqueeze(0).mm(head.t()).to(ScalarType.Float64).data<double>()]);
        byte[] symbols = [.. Enumerable.Range(0, 256).OrderByDescending(x => p[x]).Take(9).Order().Select(x => (byte)x)];
        double outside = p[256], all = 1 - outside;
        float rest = (float)-Math.Log((all - p[257] - symbols.Sum(x => p[x])) / all);
        var bytes = new TeacherBytes([0, 9, 9], symbols, [.. symbols.Select(x => (float)-Math.Log(p[x] / all))], [(float)-Math.Log(p[257] / all), float.PositiveInfinity], [rest, 0]);
        var student = new TokenSequence([256, 'a'], [0, 1], [UnitLabels.Bos, UnitLabels.Text]);
        var example = new Example(new DocumentId(1, 1, 0), "a", student, new TeacherView(student, new TeacherScores([0, 0], [0, 0]), null, bytes), []);
        ByteTables tables = ByteTables.From([example], 2, id => tokenizer.ByteView(id).Length);
        Tensor sum = Sum(hidden, head, vocabulary, tables, null);
        sum.backward();
        // The only loss is the mass that the student puts on id 256, for which the teacher has nothing.
        Assert.Equal(-Math.Log(all), sum.item<float>(), 1e-5);
        Assert.InRange(hidden.grad!.abs().max().item<float>(), 0, 10 * (float)outside);
        Assert.Equal(1, tables.Count);
    }

    [Fact]
    public void Without_entries_it_is_zero_and_goes_back()
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);
        var vocabulary = new ByteVocabulary(tokenizer, new HashSet<int> { tokenizer.EosId!.Value }, tokenizer.VocabularySize);
        Tensor hidden = randn([4, Hidden]).requires_grad_();
        ByteTables tables = ByteTables.From([ExampleSamples.Realistic(1, words: 2)], 40, id => tokenizer.ByteView(id).Length);
        Tensor sum = Sum(hidden, randn([tokenizer.VocabularySize, Hidden]), vocabulary, tables, null);
        sum.backward();
        Assert.Equal(0, tables.Count);
        Assert.Equal(0, sum.item<float>());
        Assert.Equal(0, hidden.grad!.abs().max().item<float>());
    }

    [Fact]
    public void Only_what_the_loss_mask_counts_is_learnt()
    {
        Example example = ExampleSamples.WithNextBytes(ExampleSamples.Realistic(2, words: 6), 2);
        TokenSequence student = example.Student;
        bool[] mask = [.. Enumerable.Range(0, student.Count).Select(i => i % 3 == 0)];
        Example masked = example with { Student = student with { LossMask = mask } };
        ByteTables all = ByteTables.From([example], student.Count, _ => 1), some = ByteTables.From([masked], student.Count, _ => 1);
        TeacherBytes bytes = example.Teacher!.Bytes!;
        Assert.Equal(Enumerable.Range(0, student.Count - 1).Where(t => bytes.Has(student.ByteEnds[t])).Select(t => (long)t), all.At_n);
        Assert.Equal(all.At_n.Where(t => mask[t + 1]), some.At_n);
        Assert.True(some.Count < all.Count && some.Count > 0);
    }

    [Fact]
    public void At_token_ends_alone_nothing_inside_a_token_of_the_teacher_is_learnt()
    {
        Example example = ExampleSamples.WithNextBytes(ExampleSamples.Realistic(2, words: 6), 2);
        int length = example.Student.Count;
        ByteTables all = ByteTables.From([example], length, _ => 1), some = ByteTables.From([example], length, _ => 1, BytePositions.TokenEnds);
        int[] ends = [0, .. example.Teacher!.Tokens.ByteEnds];
        Assert.Equal(all.At_n.Where(t => ends.Contains(example.Student.ByteEnds[t])), some.At_n);
        Assert.True(some.Count < all.Count && some.Count > 0);
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(true, 2.0)]
    public void Positions_that_weigh_unlike_and_a_second_way_back_are_read_again(bool many, double? softcap)
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);
        var vocabulary = new ByteVocabulary(tokenizer, new HashSet<int> { tokenizer.EosId!.Value }, tokenizer.VocabularySize);
        Example example = ExampleSamples.WithNextBytes(ExampleSamples.Realistic(3, words: 6), 3);
        ByteTables tables = ByteTables.From([example], example.Student.Count, _ => 1);
        Tensor hidden = randn([example.Student.Count, Hidden], generator: new Generator(5)), head = randn([tokenizer.VocabularySize, Hidden], generator: new Generator(6));
        Tensor targets = randint(0, 250, [example.Student.Count], ScalarType.Int64, generator: new Generator(7)), unlike = rand([example.Student.Count], generator: new Generator(8));
        (Tensor Hidden, Tensor Head) Gradients(int keep, Tensor factors)
        {
            (Tensor h, Tensor w) = (hidden.clone().requires_grad_(), head.clone().requires_grad_());
            var reading = new ByteDivergence(vocabulary, tables, [.. Enumerable.Range(0, (int)h.size(0)).Select(i => (long)i)]);
            HeadScores scores = VocabularyHead.Score(h, new PlaceOrder(vocabulary, tokenizer.VocabularySize, CPU).Sorted(w), targets, new HeadOptions(softcap, SliceTokens: 7, KeepTokens: keep, ManyLosses: many) { Reading = reading });
            Tensor loss = (scores.Reading! * factors).sum() - scores.LogLikelihood.sum();
            BackwardFailure.Run(() => loss.backward(retain_graph: true));
            BackwardFailure.Run(() => loss.backward());
            return (h.grad!, w.grad!);
        }
        foreach (Tensor factors in new[] { unlike, full_like(unlike, 0.7) })
        {
            // The first way keeps all of the first reading. The second keeps nothing, and so reads everything again on the way back.
            (Tensor kept, Tensor again) = (Gradients(-1, factors).Hidden, Gradients(0, factors).Hidden);
            AssertClose(kept.to(ScalarType.Float64), again);
            AssertClose(Gradients(-1, factors).Head.to(ScalarType.Float64), Gradients(0, factors).Head);
        }
    }

    /// <summary>The loss as a training step computes it, from a reading of the head. Here it is summed over all positions, padding included.</summary>
    internal static Tensor Sum(Tensor hidden_NH, Tensor head_VH, ByteVocabulary vocabulary, ByteTables tables, double? softcap, bool many = false)
    {
        var reading = new ByteDivergence(vocabulary, tables, [.. Enumerable.Range(0, (int)hidden_NH.size(0)).Select(i => (long)i)]);
        Tensor none = full([hidden_NH.size(0)], -1L, dtype: ScalarType.Int64);
        int rows = Math.Min(vocabulary.Tokenizer.VocabularySize, (int)head_VH.size(0));
        return VocabularyHead.Score(hidden_NH, new PlaceOrder(vocabulary, rows, CPU).Sorted(head_VH), none, new HeadOptions(softcap, SliceTokens: 16, KeepTokens: many ? 0 : -1, ManyLosses: many) { Reading = reading }).Reading!.sum();
    }

    private static Example[] Masked(Example[] examples, int eos)
        => [.. examples.Select((e, i) => e with
        {
            Student = e.Student with { Ids = [.. e.Student.Ids[..^1], eos], LossMask = i == 1 ? [.. Enumerable.Range(0, e.Student.Count).Select(t => t % 4 != 1)] : null },
        })];

    private static void Check(TextTokenizer tokenizer, int end, Example[] examples, double? softcap, int seed)
    {
        foreach (bool many in new[] { false, true })
            Check(tokenizer, end, examples, softcap, seed, many);
    }

    private static void Check(TextTokenizer tokenizer, int end, Example[] examples, double? softcap, int seed, bool many)
    {
        int length = examples.Max(e => e.Student.Count), rows = tokenizer.VocabularySize + 5;
        var vocabulary = new ByteVocabulary(tokenizer, new HashSet<int> { end }, tokenizer.VocabularySize);
        ByteTables tables = ByteTables.From(examples, length, id => tokenizer.ByteView(id).Length);
        Tensor hidden = (randn([examples.Length * length, Hidden], generator: new Generator((ulong)seed)) * 0.7).requires_grad_();
        Tensor head = randn([rows, Hidden], generator: new Generator((ulong)seed + 9)).requires_grad_();
        Tensor found = Sum(hidden, head, vocabulary, tables, softcap, many);
        BackwardFailure.Run(() => (found * 1.5).backward());

        Tensor hidden64 = hidden.detach().to(ScalarType.Float64).requires_grad_(), head64 = head.detach().to(ScalarType.Float64).requires_grad_();
        (Tensor expected, int entries) = SlowTwin(tokenizer, end, examples, length, hidden64, head64, softcap);
        (expected * 1.5).backward();
        Assert.Equal(entries, tables.Count);
        Assert.True(entries > 20);
        Assert.Equal(expected.item<double>(), found.item<float>(), 1e-4 * Math.Abs(expected.item<double>()));
        AssertClose(hidden64.grad!, hidden.grad!);
        AssertClose(head64.grad!, head.grad!);
    }

    // Computes every entry by itself. The mass of a symbol is that of all tokens of the vocabulary that begin with the bytes so far and the symbol.
    private static (Tensor Sum, int Entries) SlowTwin(TextTokenizer tokenizer, int end, Example[] examples, int length, Tensor hidden, Tensor head, double? softcap)
    {
        Tensor sum = zeros([], ScalarType.Float64);
        int entries = 0;
        for (int b = 0; b < examples.Length; b++)
        {
            TokenSequence student = examples[b].Student;
            TeacherBytes? bytes = examples[b].Teacher!.Bytes;
            for (int t = 0; t + 1 < student.Count; t++)
            {
                if (bytes is null || !student.Counts(t + 1))
                    continue;
                Tensor logits = head.narrow(0, 0, tokenizer.VocabularySize).mv(hidden[(b * length) + t]);
                if (softcap is { } c)
                    logits = (logits / c).tanh() * c;
                Tensor p = logits.softmax(0);
                byte[] token = student.Ids[t + 1] == end ? [] : tokenizer.ByteView(student.Ids[t + 1]).ToArray();
                for (int depth = 0; depth < Math.Max(1, token.Length); depth++)
                {
                    int row = student.ByteEnds[t] + depth;
                    if (!bytes.Has(row))
                        continue;
                    entries++;
                    sum += Entry(tokenizer, end, p, token[..depth], bytes, row);
                }
            }
        }
        return (sum, entries);
    }

    private static Tensor Entry(TextTokenizer tokenizer, int end, Tensor p, byte[] before, TeacherBytes bytes, int row)
    {
        Tensor? Mass(Func<byte[], bool> counts)
        {
            long[] ids = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => !tokenizer.IsSpecial(id) && counts(tokenizer.ByteView(id).ToArray())).Select(id => (long)id)];
            return ids.Length == 0 ? null : p.index_select(0, tensor(ids)).sum();
        }
        bool Follows(byte[] view) => view.Length > before.Length && view.AsSpan().StartsWith(before);
        var named = new Dictionary<byte, double>();
        for (int i = bytes.Starts[row]; i < bytes.Starts[row + 1]; i++)
            named[bytes.Symbols[i]] = Math.Exp(-bytes.NegLogProbabilities[i]);
        List<(double P, Tensor? Mass)> buckets = [.. named.Select(x => (x.Value, Mass(view => Follows(view) && view[before.Length] == x.Key)))];
        buckets.Add((Math.Exp(-bytes.NegLogRest[row]), Mass(view => Follows(view) && !named.ContainsKey(view[before.Length]))));
        if (before.Length == 0)
            buckets.Add((Math.Exp(-bytes.NegLogEnd[row]), p[end]));
        (double P, Tensor Mass)[] usable = [.. buckets.Where(x => x.P > 0 && x.Mass is not null).Select(x => (x.P, x.Mass!))];
        double all = usable.Sum(x => x.P);
        Tensor known = before.Length == 0 ? ones([], ScalarType.Float64) : Mass(Follows)!;
        Tensor loss = zeros([], ScalarType.Float64);
        foreach ((double teacher, Tensor mass) in usable)
            loss += teacher / all * (Math.Log(teacher / all) - (mass / known).log());
        return loss;
    }

    private static double[] Softmax(double[] logits)
    {
        double largest = logits.Max();
        double[] e = [.. logits.Select(z => Math.Exp(z - largest))];
        return [.. e.Select(x => x / e.Sum())];
    }

    private static void AssertClose(Tensor expected, Tensor found)
    {
        double worst = (expected - found.to(ScalarType.Float64)).abs().max().item<double>(), scale = expected.abs().max().item<double>();
        Assert.True(worst <= 2e-5 * (1 + scale), $"off by {worst} of {scale}");
    }
}
