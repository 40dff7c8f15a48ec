namespace Pipeline.Stages.NextBytes;

/// <summary>A row of a batch: its tokens, and the runs of text in them.</summary>
/// <param name="Ids">All tokens of the row, including special tokens and those of templates.</param>
/// <param name="Parts">The runs of text, in the order of the row.</param>
internal sealed record ScoredRow(int[] Ids, IReadOnlyList<ScoredBytes> Parts)
{
    /// <summary>How many contexts have been computed for the row.</summary>
    public int Contexts => Parts.Sum(part => part.Contexts);

    /// <summary>See <see cref="ScoredBytes.LostShare"/>.</summary>
    public double LostShare => Parts.Sum(part => part.LostShare);

    /// <summary>See <see cref="ScoredBytes.Release"/>.</summary>
    public void Release()
    {
        foreach (ScoredBytes part in Parts)
            part.Release();
    }
}
