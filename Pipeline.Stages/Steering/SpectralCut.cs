namespace Pipeline.Stages.Steering;

/// <summary>Where the leading directions of a side end: at a share of Σ s², or at a number. In both cases, tied directions stay together.</summary>
internal readonly record struct SpectralCut
{
    private const double Tie = 1e-6;

    private readonly double _share;
    private readonly int _rank;

    private SpectralCut(double share, int rank) => (_share, _rank) = (share, rank);

    /// <summary>Ends at a share of Σ s².</summary>
    /// <param name="share">K, in (0, 1].</param>
    public static SpectralCut AtShare(double share) => new(share, 0);

    /// <summary>Ends at a number of directions.</summary>
    /// <param name="rank">At least 1. If there are fewer directions, all of them are taken.</param>
    public static SpectralCut AtRank(int rank) => new(1, rank);

    /// <summary>
    /// The number of directions. By share it is the smallest number that reaches the share, or all of them if rounding keeps it from being reached.
    /// Where singular values are closer than a millionth of the largest, the data do not say which of their directions should be cut off, so the cut
    /// moves to the end of such a group.
    /// </summary>
    /// <param name="s">The singular values, in descending order.</param>
    public int RankOf(double[] s)
    {
        int rank = _rank > 0 ? Math.Min(_rank, s.Length) : ByShare(s);
        while (rank < s.Length && Math.Abs(s[rank - 1] - s[rank]) <= Tie * s[0])
            rank++;
        return rank;
    }

    private int ByShare(double[] s)
    {
        double total = s.Sum(v => v * v), sum = 0;
        for (int j = 0; j < s.Length; j++)
        {
            sum += s[j] * s[j];
            if (sum / total >= _share)
                return j + 1;
        }
        return s.Length;
    }
}
