namespace Pipeline.Stages.Serving;

/// <summary>Limits on what a served model does at once.</summary>
public sealed record ServingLimits
{
    /// <summary>How many tokens a batch of prompts may have, padding included.</summary>
    public int BatchTokens { get; init; } = 8192;

    /// <summary>How many answers may be in progress at once. Further ones wait.</summary>
    public int Rows { get; init; } = 32;

    /// <summary>For how many tokens the attention keys are kept, for texts with the same beginning.</summary>
    public long PrefixTokens { get; init; } = 1 << 16;
}
