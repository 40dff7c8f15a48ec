namespace Pipeline.Stages.Tokenization.Unigram;

/// <summary>Finds the best segmentation of a run of bytes, for one worker. The buffers are used again.</summary>
internal sealed class Lattice(UnigramModel model)
{
    // For each end, the best score up to there, and where the last piece of it starts, and the id of that piece.
    private double[] _score = new double[64];
    private int[] _start = new int[64];
    private int[] _id = new int[64];

    /// <summary>The pieces from first to last: the byte at which each starts, and its id, which is -1 for a character without a token.</summary>
    public List<(int Start, int Id)> Pieces { get; } = [];

    /// <summary>The score of the segmentation: the sum of its pieces' log-probabilities.</summary>
    public double Total { get; private set; }

    /// <summary>Segments the bytes into <see cref="Pieces"/>.</summary>
    /// <param name="bytes">Any bytes if <paramref name="eachByte"/>, else UTF-8.</param>
    /// <param name="eachByte">Whether a piece may begin at every byte, and not only where a character begins.</param>
    public void Run(ReadOnlySpan<byte> bytes, bool eachByte)
    {
        Reserve(bytes.Length + 1);
        _start.AsSpan(0, bytes.Length + 1).Fill(-1);
        _score[0] = 0;
        for (int at = 0; at < bytes.Length;)
        {
            int unit = eachByte ? 1 : UnitLength(bytes[at]);
            bool hasUnit = false;
            int node = 0;
            for (int end = at; end < bytes.Length && (node = model.Trie.Child(node, bytes[end])) >= 0; end++)
            {
                int id = model.Trie.Value(node);
                if (id < 0)
                    continue;
                Offer(end + 1, at, id, model.Scores[id]);
                hasUnit |= end + 1 - at == unit;
            }
            if (!hasUnit)
                Offer(at + unit, at, -1, model.UnknownScore);
            at += unit;
        }
        Total = _score[bytes.Length];
        Pieces.Clear();
        for (int end = bytes.Length; end > 0; end = _start[end])
            Pieces.Add((_start[end], _id[end]));
        Pieces.Reverse();
    }

    // Only a strictly larger sum replaces another, so of equal sums the one whose last piece begins first stays.
    private void Offer(int end, int start, int id, double score)
    {
        double sum = score + _score[start];
        if (_start[end] >= 0 && !(sum > _score[end]))
            return;
        (_score[end], _start[end], _id[end]) = (sum, start, id);
    }

    private static int UnitLength(byte first) => first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    private void Reserve(int length)
    {
        if (_score.Length >= length)
            return;
        int size = Math.Max(length, _score.Length * 2);
        (_score, _start, _id) = (new double[size], new int[size], new int[size]);
    }
}
