namespace Pipeline.Contracts.Progress;

/// <summary>What a stage reports about its work while it runs. Cheap enough to call per record; safe from any thread.</summary>
public interface IStageMeter
{
    /// <summary>Adds to a named count of the stage ("tokens", "paddingTokens", "splitDocuments"): shown live and in the report.</summary>
    void Count(string name, long amount);

    /// <summary>A value at a training step ("loss/alm", "learningRate"): to <c>metrics.jsonl</c> and to TensorBoard.</summary>
    void Scalar(string name, long step, double value);

    /// <summary>How far the stage is, for the progress line and the time left: <paramref name="done"/> of <paramref name="total"/> steps or rows.</summary>
    void Progress(long done, long total);

    /// <summary>One line for the log: a rare event that is worth a look.</summary>
    void Say(string message);
}
