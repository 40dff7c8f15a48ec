namespace Pipeline.Host.Progress;

/// <summary>How far the graph is that runs now.</summary>
/// <param name="Seconds">Since it began.</param>
/// <param name="Records">That its source has read.</param>
/// <param name="Tokens">Of the last stage that counts them; 0 where none does.</param>
/// <param name="First">What was done when it began: a graph that is resumed begins in the middle.</param>
/// <param name="Done">Of whatever the stage nearest the end counts that knows how much there is.</param>
/// <param name="Total">How much there is; 0 where no stage knows.</param>
internal sealed record LiveCounts(double Seconds, long Records, long Tokens, long First, long Done, long Total)
{
    /// <summary>Seconds that the whole takes at this speed; null where that is not known.</summary>
    public double? SecondsOfWhole => Done > First && Total > 0 ? Seconds * Total / (Done - First) : null;

    /// <summary>What is done of the whole, 0 to 1.</summary>
    public double Share => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : 0;
}
