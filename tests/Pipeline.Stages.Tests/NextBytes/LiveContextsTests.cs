using System.Text;
using CsCheck;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>
/// A text that grows byte by byte, under small random BPE tokenizers: its distributions and its next tokens against trying every sequence of tokens.
/// </summary>
public sealed class LiveContextsTests
{
    [Fact]
    public void A_text_that_grows_has_the_law_of_the_whole_text_at_each_byte()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            var random = new Random(seed + 1);
            string text = toy.Text(random, 9);
            int from = random.Next(text.Length + 1);
            LiveContexts live = Begin(toy, text[..from], out ByteTree tree);
            double[] row = new double[ByteVocabulary.Symbols], expected = new double[ByteVocabulary.Symbols];
            for (int k = from; ; k++)
            {
                Fill(live, tree, toy);
                live.Row(row);
                double[] brute = [.. Covers(toy, text[..k]).GroupBy(c => c.Next).Aggregate(new double[ByteVocabulary.Symbols], (sum, g) => { sum[g.Key] = g.Sum(c => c.P); return sum; })];
                double mass = brute.Sum();
                for (int x = 0; x < row.Length; x++)
                    Assert.Equal(brute[x] / mass, row[x], 1e-9);
                if (k == text.Length)
                    break;
                live.Push((byte)text[k]);
            }
        }, iter: 1000);

    [Fact]
    public void The_first_tokens_behind_a_text_are_those_of_all_canonical_sequences_that_go_past_it()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed);
            string text = toy.Text(new Random(seed + 1), 6);
            LiveContexts live = Begin(toy, text, out ByteTree tree);
            Fill(live, tree, toy);
            Dictionary<string, double> found = live.Tokens().ToDictionary(t => string.Join(' ', [.. PathOf(tree, t.Node).Skip(1), toy.Vocabulary.Ids[t.Place]]), t => t.P);
            (string Path, int Next, double P)[] covers = [.. Covers(toy, text)];
            double mass = covers.Sum(c => c.P);
            Assert.Equal(covers.Select(c => c.Path).Order(), found.Keys.Order());
            foreach ((string path, _, double p) in covers)
                Assert.Equal(p / mass, found[path], 1e-9);
        }, iter: 1000);

    [Theory]
    [InlineData(1e-7, 1e-4)]
    [InlineData(0.05, 1)]
    public void Contexts_of_little_weight_are_left_out_and_booked(double leastShare, double off)
    {
        int leftOut = 0;
        Gen.Int[0, 1_000_000].Sample(seed => leftOut += Rows(seed, leastShare, off), iter: 500, threads: 1);
        Assert.Equal(leastShare > 0.01, leftOut > 0);
    }

    [Fact]
    public void A_text_that_goes_where_only_those_lead_that_were_left_out_has_a_law()
        => Assert.True(Rows(734_538, 0.05, 1) > 0);

    // Grows a text with and without leaving contexts out, and compares. Returns after how many bytes something had been left out.
    private static int Rows(int seed, double leastShare, double off)
    {
        int leftOut = 0;
        var toy = new ToyBpe(seed);
        string text = toy.Text(new Random(seed + 1), 9);
        LiveContexts all = Begin(toy, "", out ByteTree whole), some = Begin(toy, "", out ByteTree pruned, leastShare);
        double[] p = new double[ByteVocabulary.Symbols], q = new double[ByteVocabulary.Symbols];
        for (int k = 0; ; k++)
        {
            Fill(all, whole, toy);
            Fill(some, pruned, toy);
            all.Row(p);
            some.Row(q);
            Assert.Equal(1, q.Sum(), 1e-9);
            Assert.InRange(p.Zip(q, (a, b) => Math.Abs(a - b)).Sum() / 2, 0, some.LostShare == 0 ? 1e-12 : off);
            leftOut += some.LostShare > 0 ? 1 : 0;
            if (k == text.Length)
                break;
            all.Push((byte)text[k]);
            some.Push((byte)text[k]);
        }
        return leftOut;
    }

    private static LiveContexts Begin(ToyBpe toy, string text, out ByteTree tree, double leastShare = 0)
    {
        tree = ByteTree.Of(
            ByteText.Of(text, toy.Tokenizer.CreateEncoder(), toy.Vocabulary, toy.Begin, hasEnd: false), toy.Vocabulary, new ContinuationRule(toy.Vocabulary), toy.Tokenizer.CreateEncoder(), BytesView.Exact);
        return new LiveContexts(tree, toy.Vocabulary, toy.Tokenizer.CreateEncoder(), leastShare);
    }

    private static void Fill(LiveContexts live, ByteTree tree, ToyBpe toy)
    {
        while (live.Needed() is { Count: > 0 } needed)
        {
            foreach (int node in needed)
            {
                double[] byId = toy.Model(PathOf(tree, node));
                live.Add(node, [.. toy.Vocabulary.Ids.ToArray().Select(id => Math.Exp(byId[id]))]);
            }
        }
    }

    private static int[] PathOf(ByteTree tree, int node)
        => node < 0 ? [] : [.. PathOf(tree, tree.Nodes[node].Parent), tree.Nodes[node].Id];

    // Every canonical sequence of which only the last token reaches past the text or ends it: its ids, the symbol that follows the text in it, and its
    // probability.
    private static List<(string Path, int Next, double P)> Covers(ToyBpe toy, string text)
    {
        var covers = new List<(string, int, double)>();
        void Walk(int[] path, string spelt, double weight)
        {
            double[] logP = toy.Model([toy.Begin, .. path]);
            int[] valid = [.. Enumerable.Range(0, toy.Begin).Where(v => toy.Encode(spelt + toy.Spell([v])).AsSpan().SequenceEqual([.. path, v]))];
            double z = valid.Append(toy.End).Sum(v => Math.Exp(logP[v]));
            if (spelt.Length == text.Length)
                covers.Add((string.Join(' ', [.. path, toy.End]), ByteVocabulary.End, weight * Math.Exp(logP[toy.End]) / z));
            foreach (int v in valid)
            {
                string longer = spelt + toy.Spell([v]);
                double q = weight * Math.Exp(logP[v]) / z;
                if (text.StartsWith(longer, StringComparison.Ordinal))
                    Walk([.. path, v], longer, q);
                else if (longer.StartsWith(text, StringComparison.Ordinal))
                    covers.Add((string.Join(' ', [.. path, v]), Encoding.UTF8.GetBytes(longer)[text.Length], q));
            }
        }
        Walk([], "", 1);
        return covers;
    }
}
