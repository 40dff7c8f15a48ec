namespace Pipeline.Contracts.Progress;

/// <summary>
/// Takes what a stage reports about its work while it runs. It is cheap enough to be called for every record, and any thread may call it.
/// </summary>
public interface IStageMeter
{
    /// <summary>
    /// Adds to one of the stage's counts, such as "tokens", "paddingTokens" or "splitDocuments". Counts are shown while the run goes on, and in its
    /// report.
    /// </summary>
    void Count(string name, long amount);

    /// <summary>Records a value at a training step, such as "loss/alm" or "learningRate". It goes to <c>metrics.jsonl</c> and to TensorBoard.</summary>
    void Scalar(string name, long step, double value);

    /// <summary>
    /// Says how far the stage is: <paramref name="done"/> of <paramref name="total"/> steps or rows. The progress line and the time left are computed
    /// from it.
    /// </summary>
    void Progress(long done, long total);

    /// <summary>Writes one line to the log, for a rare event that is worth a look.</summary>
    void Say(string message);
}
