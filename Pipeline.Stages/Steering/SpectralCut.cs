namespace Pipeline.Stages.Steering;

/// <summary>Where the leading directions of a side end: at a share of Σ s², or at a number. Tied directions stay together in either case.</summary>
internal readonly record struct SpectralCut
{
    private const double Tie = 1e-6;

    private readonly double _share;
    private readonly int _rank;

    private SpectralCut(double share, int rank) => (_share, _rank) = (share, rank);

    /// <param name="share">K, in (0, 1].</param>
    public static SpectralCut AtShare(double share) => new(share, 0);

    /// <param name="rank">At least 1; if there are fewer directions, all of them.</param>
    public static SpectralCut AtRank(int rank) => new(1, rank);

    /// <summary>
    /// The smallest number of directions that reaches the share, all where rounding keeps it from being reached; moved to the end of a group
    /// of singular values closer than a millionth of the largest, of which the data do not say which to cut.
    /// </summary>
    /// <param name="s">Singular values, descending.</param>
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
