using System.Text;

namespace Pipeline.Stages.Embeddings;

/// <summary>One of the two tokenizers, with what the computation of the bias needs of it.</summary>
internal sealed class BiasSide
{
    private readonly int[] _sorted;
    private readonly int[] _rank;

    /// <summary>Sorts the vocabulary by its bytes.</summary>
    /// <param name="vocabulary">The bytes of all ids.</param>
    /// <param name="probabilities">[vocabulary] the unigram probability of every id.</param>
    /// <param name="tokenize">The ids of a run of bytes, by merges only and without the pre-tokenizer.</param>
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

    /// <summary>
    /// One id for each distinct run of bytes, in the order in which the runs first appear. Where an ordinary token and a byte fallback have the same
    /// byte, it is the ordinary token.
    /// </summary>
    public IReadOnlyList<int> Distinct { get; }

    /// <summary>The distinct ids whose bytes begin with <paramref name="prefix"/>, in the order of <see cref="Distinct"/>.</summary>
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
