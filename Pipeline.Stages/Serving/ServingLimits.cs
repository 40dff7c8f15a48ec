namespace Pipeline.Stages.Serving;

/// <summary>How requests share a model.</summary>
public sealed record ServingLimits
{
    /// <summary>Of a batch of prompts, padding included.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>Answers in progress at once; more wait.</summary>
    public int Rows { get; init; } = 32;

    /// <summary>Tokens whose keys are kept for texts with the same beginning.</summary>
    public long PrefixTokens { get; init; } = 1 << 16;
}
