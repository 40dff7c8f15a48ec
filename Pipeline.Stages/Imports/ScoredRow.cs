using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Imports;

/// <summary>
/// A row of scores as it was read, not yet checked. Its lists have one entry for each of the n teacher tokens; a list is null where the options do not
/// name its field. Numbers are natural logarithms.
/// </summary>
/// <param name="Text">The text that the tokens spell.</param>
/// <param name="Prompt">The text before it; empty where there is none.</param>
/// <param name="Ids">[n] the ids of the tokens.</param>
/// <param name="Bytes">[n] the bytes of the tokens; empty for a special token.</param>
/// <param name="LogLikelihoods">[n] log p(token | tokens before).</param>
/// <param name="Lower">[n] a lower bound on the log boundary mass after each token, or the log mass itself.</param>
/// <param name="Upper">[n] an upper bound on it; the same list as <paramref name="Lower"/> where the mass itself is given.</param>
internal sealed record ScoredRow(string Text, string Prompt, int[]? Ids, byte[][]? Bytes, double?[] LogLikelihoods, double?[]? Lower, double?[]? Upper)
{
    /// <summary>The conversation that the text answers; null where there is none.</summary>
    public IReadOnlyList<ChatMessage>? Messages { get; init; }

    /// <summary>The further fields of the conversation, as in <see cref="TextDocument.Fields"/>.</summary>
    public string? Fields { get; init; }

    /// <summary>n.</summary>
    public int Count => LogLikelihoods.Length;

    /// <summary>Names the first list whose length is not n; null where all have n entries.</summary>
    public string? UnequalLength(ImportScoresOptions options)
    {
        foreach ((string? name, int? length) in new[]
        {
            (options.Ids, Ids?.Length), (options.Bytes, Bytes?.Length), (options.Boundary ?? options.BoundaryLower, Lower?.Length), (options.Boundary ?? options.BoundaryUpper, Upper?.Length),
        })
        {
            if (length is { } found && found != Count)
                return $"'{name}' has {found}, '{options.LogLikelihood}' has {Count}";
        }
        return null;
    }
}
