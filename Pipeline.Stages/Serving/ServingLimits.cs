namespace Pipeline.Stages.Serving;

/// <summary>How requests share a model.</summary>
public sealed record ServingLimits
{
    /// <summary>Of a batch of prompts, padding included.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>Answers under way at once; more wait.</summary>
    public int Rows { get; init; } = 32;

    /// <summary>Tokens whose keys are kept for texts that begin alike.</summary>
    public long PrefixTokens { get; init; } = 1 << 16;

    /// <summary>Requests that come while a model is idle are waited for this long, so that they make one batch.</summary>
    public TimeSpan Gather { get; init; } = TimeSpan.FromMilliseconds(2);
}
