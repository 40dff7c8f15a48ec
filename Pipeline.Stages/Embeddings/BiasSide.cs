using System.Text;

namespace Pipeline.Stages.Embeddings;

/// <summary>One tokenizer as the bias matrices need it.</summary>
internal sealed class BiasSide
{
    private readonly int[] _sorted;
    private readonly int[] _rank;

    /// <param name="vocabulary">The byte views.</param>
    /// <param name="probabilities">[vocabulary] unigram probability of every id.</param>
    /// <param name="tokenize">Ids of a run of bytes, merges only, no pre-tokenizer splits.</param>
    public BiasSide(VocabularyBytes vocabulary, double[] probabilities, FvtTransfer.Decomposition tokenize)
    {
        if (probabilities.Length != vocabulary.Count)
            throw new InvalidOperationException($"{probabilities.Length} probabilities for a vocabulary of {vocabulary.Count}");
        Vocabulary = vocabulary;
        Probabilities = probabilities;
        Tokenize = tokenize;
        Distinct = [.. DistinctIds(vocabulary)];
        _rank = new int[vocabulary.Count];
        for (int i = 0; i < Distinct.Count; i++)
            _rank[Distinct[i]] = i;
        _sorted = [.. Distinct];
        Array.Sort(_sorted, (a, b) => vocabulary[a].SequenceCompareTo(vocabulary[b]));
    }

    public VocabularyBytes Vocabulary { get; }

    public double[] Probabilities { get; }

    public FvtTransfer.Decomposition Tokenize { get; }

    /// <summary>One id per run of bytes, in order of its first appearance; of a text token and a byte fallback the text token.</summary>
    public IReadOnlyList<int> Distinct { get; }

    /// <summary>Ids whose bytes start with <paramref name="prefix"/>, in order of first appearance.</summary>
    public int[] InOrderStartingWith(ReadOnlySpan<byte> prefix)
    {
        int[] ids = StartingWith(prefix).ToArray();
        Array.Sort(ids, (a, b) => _rank[a].CompareTo(_rank[b]));
        return ids;
    }

    private ReadOnlySpan<int> StartingWith(ReadOnlySpan<byte> prefix)
    {
        int low = Bound(prefix, after: false), high = Bound(prefix, after: true);
        return _sorted.AsSpan(low..high);
    }

    private int Bound(ReadOnlySpan<byte> prefix, bool after)
    {
        int low = 0, high = _sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            ReadOnlySpan<byte> token = Vocabulary[_sorted[middle]];
            int order = token[..Math.Min(token.Length, prefix.Length)].SequenceCompareTo(prefix);
            if (order < 0 || (after && order == 0))
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static IEnumerable<int> DistinctIds(VocabularyBytes vocabulary)
    {
        var seen = new HashSet<string>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.ClassOf(id) == TokenClass.None || !seen.Add(Encoding.Latin1.GetString(vocabulary[id])))
                continue;
            yield return vocabulary.IsText(id) ? vocabulary.TextId(vocabulary[id])!.Value : id;
        }
    }
}
