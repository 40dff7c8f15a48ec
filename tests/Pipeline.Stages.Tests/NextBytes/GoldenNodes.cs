using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>What our sums make of the nodes, masks and log-probabilities of a reference, so that the sums are tested alone. N bytes.</summary>
internal sealed class GoldenNodes
{
    private readonly ByteLaw _law;
    private readonly int _bytes;

    public GoldenNodes(ExactGolden golden, ByteVocabulary vocabulary, ContinuationRule rule, int vocabularySize)
    {
        IReadOnlyList<(int Id, int Parent)> nodes = golden.Nodes;
        byte[] mask = golden.Mask, bytes = golden.Bytes;
        double[] logP = golden.LogProbabilities;
        TokenMask[] masks = [.. nodes.Select((_, n) => MaskOf(mask.AsSpan(n * vocabularySize, vocabularySize), vocabulary, golden.Ends))];
        ByteTree tree = ByteTree.OfNodes(vocabulary, rule, bytes, nodes, masks);
        _law = new ByteLaw(tree);
        _bytes = bytes.Length;
        for (int n = 0; n < nodes.Count; n++)
        {
            double[] ordered = [.. vocabulary.Ids.ToArray().Select(id => logP[(n * vocabularySize) + id])];
            double[] edges = [.. tree.Nodes[n].Children.Select(child => ordered[tree.Nodes[child].Place])];
            _law.Add(n, new NodeSums().Make(Array.ConvertAll(ordered, Math.Exp).AsSpan(), tree, n, vocabulary), edges);
        }
    }

    /// <summary>[N + 1, 257] log p of the next byte after each beginning of the text.</summary>
    public double[] Rows()
    {
        var rows = new double[(_bytes + 1) * ByteVocabulary.Symbols];
        for (int k = 0; k <= _bytes; k++)
        {
            Span<double> row = rows.AsSpan(k * ByteVocabulary.Symbols, ByteVocabulary.Symbols);
            _law.Row(k, row);
            foreach (ref double p in row)
                p = Math.Log(p);
        }
        return rows;
    }

    /// <summary>[N + 1] log P of each beginning of the text.</summary>
    public double[] Prefixes() => [.. Enumerable.Range(0, _bytes + 1).Select(k => _law.Row(k, new double[ByteVocabulary.Symbols]))];

    private static TokenMask MaskOf(ReadOnlySpan<byte> mask, ByteVocabulary vocabulary, int[] ends)
    {
        var valid = new ulong[(vocabulary.TextCount + 63) / 64];
        for (int place = 0; place < vocabulary.TextCount; place++)
        {
            if (mask[vocabulary.Ids[place]] != 0)
                valid[place >> 6] |= 1UL << (place & 63);
        }
        bool isEnd = false;
        foreach (int end in ends)
            isEnd |= mask[end] != 0;
        return new TokenMask(valid, isEnd);
    }
}
