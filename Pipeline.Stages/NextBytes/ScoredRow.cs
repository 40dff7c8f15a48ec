namespace Pipeline.Stages.NextBytes;

/// <summary>A row of tokens with the runs of text in it.</summary>
/// <param name="Ids">Every token of the row, marks and templates among them.</param>
/// <param name="Parts">The runs of text, in order.</param>
internal sealed record ScoredRow(int[] Ids, IReadOnlyList<ScoredBytes> Parts)
{
    /// <summary>Contexts that were computed for its parts.</summary>
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
