namespace Pipeline.Host.Progress;

/// <summary>How far a running graph is. Its progress is that of the last stage that knows how much there is to do, such as training steps.</summary>
/// <param name="Seconds">The time since the graph began.</param>
/// <param name="Records">How many records the source has read.</param>
/// <param name="Tokens">The tokens counted by the last stage that counts them. 0 if none does.</param>
/// <param name="First">How much was done when the graph began. A graph that resumes begins in the middle.</param>
/// <param name="Done">How much is done.</param>
/// <param name="Total">How much there is to do. 0 if no stage knows.</param>
internal sealed record LiveCounts(double Seconds, long Records, long Tokens, long First, long Done, long Total)
{
    /// <summary>The time that the whole takes at the speed so far, in seconds. Null if that is not known yet.</summary>
    public double? SecondsOfWhole => Done > First && Total > 0 ? Seconds * Total / (Done - First) : null;

    /// <summary>How much of the whole is done, from 0 to 1. 0 if that is not known.</summary>
    public double Share => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : 0;
}
