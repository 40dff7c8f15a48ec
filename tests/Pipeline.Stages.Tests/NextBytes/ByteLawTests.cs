using CsCheck;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>The distribution over the next byte against its definition, with small random BPE tokenizers of which every sequence of tokens is tried.</summary>
public sealed class ByteLawTests
{
    [Fact]
    public void The_law_is_that_of_all_canonical_sequences_that_cover_the_bytes()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            string text = toy.Text(new Random(seed + 1), 6);
            double[] row = new double[ByteVocabulary.Symbols];
            ByteLaw law = LawOf(toy, text, out _);
            double[][] expected = BruteForce(toy, text);
            for (int k = 0; k <= text.Length; k++)
            {
                law.Row(k, row);
                Assert.Equal(1, row.Sum(), 1e-9);
                double mass = expected[k].Sum();
                for (int x = 0; x < row.Length; x++)
                    Assert.Equal(expected[k][x] / mass, row[x], 1e-9);
            }
        }, iter: 2000);

    [Fact]
    public void There_is_one_context_at_each_byte_and_it_is_what_the_tokenizer_makes_of_the_bytes_so_far()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            string text = toy.Text(new Random(seed + 1), 9);
            LawOf(toy, text, out ByteTree tree);
            for (int k = 0; k <= text.Length; k++)
                Assert.Equal(toy.Encode(text[..k]), PathOf(tree, Assert.Single(tree.At(k))).Skip(1));
        }, iter: 2000);

    [Fact]
    public void A_text_costs_no_more_by_bytes_than_by_its_own_tokens()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            string text = toy.Text(new Random(seed + 1), 9);
            ByteLaw law = LawOf(toy, text, out _);
            double[] row = new double[ByteVocabulary.Symbols];
            double exact = 0, tokens = 0;
            for (int k = 0; k < text.Length; k++)
            {
                law.Row(k, row);
                exact += Math.Log(row[text[k]]);
            }
            int[] path = [toy.Begin, .. toy.Encode(text)];
            for (int i = 1; i < path.Length; i++)
                tokens += toy.Model(path[..i])[path[i]];
            Assert.True(exact >= tokens - 1e-9, $"'{text}': {exact} by bytes, {tokens} by tokens");
        }, iter: 2000);

    [Fact]
    public void The_trunk_alone_still_sums_to_one()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            string text = toy.Text(new Random(seed + 1), 9);
            ByteLaw law = LawOf(toy, text, out _, BytesView.Trunk);
            double[] row = new double[ByteVocabulary.Symbols];
            for (int k = 0; k <= text.Length; k++)
            {
                law.Row(k, row);
                Assert.Equal(1, row.Sum(), 1e-9);
                if (k < text.Length)
                    Assert.True(row[text[k]] > 0);
            }
        }, iter: 1000);

    private static ByteLaw LawOf(ToyBpe toy, string text, out ByteTree tree, BytesView view = BytesView.Exact)
    {
        var rule = new ContinuationRule(toy.Vocabulary);
        ByteTree made = tree = ByteTree.Of(ByteText.Of(text, toy.Tokenizer.CreateEncoder(), toy.Vocabulary, toy.Begin), toy.Vocabulary, rule, toy.Tokenizer.CreateEncoder(), view);
        var scored = new ByteLaw(tree);
        foreach (int node in Enumerable.Range(0, made.Nodes.Count).OrderBy(n => made.Nodes[n].Depth).ToArray())
        {
            double[] byId = toy.Model(PathOf(made, node)), logP = [.. toy.Vocabulary.Ids.ToArray().Select(id => byId[id])];
            scored.Add(node, new NodeSums().Make(Array.ConvertAll(logP, Math.Exp).AsSpan(), made, node, toy.Vocabulary), [.. made.Nodes[node].Children.Select(c => logP[made.Nodes[c].Place])]);
        }
        return scored;
    }

    private static int[] PathOf(ByteTree tree, int node)
        => node < 0 ? [] : [.. PathOf(tree, tree.Nodes[node].Parent), tree.Nodes[node].Id];

    // Walks every canonical path that spells a beginning of the text, and every token that may follow it. Returns P(text[..k] symbol) as [k][symbol].
    private static double[][] BruteForce(ToyBpe toy, string text)
    {
        double[][] rows = [.. Enumerable.Range(0, text.Length + 1).Select(_ => new double[ByteVocabulary.Symbols])];
        void Walk(int[] path, string spelt, double weight)
        {
            double[] logP = toy.Model([toy.Begin, .. path]);
            int[] valid = [.. Enumerable.Range(0, toy.Begin).Where(v => toy.Encode(spelt + toy.Spell([v])).AsSpan().SequenceEqual([.. path, v]))];
            double z = valid.Append(toy.End).Sum(v => Math.Exp(logP[v]));
            rows[spelt.Length][ByteVocabulary.End] += weight * Math.Exp(logP[toy.End]) / z;
            foreach (int v in valid)
            {
                string longer = spelt + toy.Spell([v]);
                double q = weight * Math.Exp(logP[v]) / z;
                for (int k = spelt.Length; k < longer.Length && k <= text.Length && longer.AsSpan(0, k).SequenceEqual(text.AsSpan(0, k)); k++)
                    rows[k][longer[k]] += q;
                if (text.StartsWith(longer, StringComparison.Ordinal))
                    Walk([.. path, v], longer, q);
            }
        }
        Walk([], "", 1);
        return rows;
    }
}
