using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Imports;

/// <summary>A row of scores as it was read: lists of one entry for each teacher token, null where the file has none.</summary>
/// <param name="Text">What the tokens spell.</param>
/// <param name="Prompt">What stands before it; empty where there is none.</param>
/// <param name="Ids">[n], null: not given.</param>
/// <param name="Bytes">[n], null: not given; the entry of a special token is empty.</param>
/// <param name="LogLikelihoods">[n] log p(token | tokens before).</param>
/// <param name="Lower">[n] log of the least boundary mass after each token, or of the mass itself; null: not given.</param>
/// <param name="Upper">[n] log of the most; the same list as <paramref name="Lower"/> where the mass is known.</param>
internal sealed record ScoredRow(string Text, string Prompt, int[]? Ids, byte[][]? Bytes, double?[] LogLikelihoods, double?[]? Lower, double?[]? Upper)
{
    /// <summary>The conversation that the text answers; null where there is none.</summary>
    public IReadOnlyList<ChatMessage>? Messages { get; init; }

    /// <summary>Of a conversation: what <see cref="TextDocument.Fields"/> says.</summary>
    public string? Fields { get; init; }

    public int Count => LogLikelihoods.Length;

    /// <summary>The first list that is not as long as the log-probabilities; null where all are.</summary>
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
