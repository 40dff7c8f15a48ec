namespace Pipeline.Stages.Serving;

/// <summary>A token and its natural log-probability.</summary>
public readonly record struct ListedToken(int Id, double LogP);

/// <summary>The score of a token of a prompt, or of the position after the last one.</summary>
/// <param name="Id">The token; -1 after the last one.</param>
/// <param name="LogP">The natural logarithm of its probability, given the tokens before. NaN for the first token and after the last one.</param>
/// <param name="Rank">Its place among all tokens, 1 for the most likely one; 0 where it has no probability.</param>
/// <param name="Top">The most likely tokens at this position, the likeliest first; empty for the first position.</param>
public sealed record ServedPosition(int Id, double LogP, int Rank, IReadOnlyList<ListedToken> Top);

/// <summary>A generated token.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogP">The natural logarithm of its probability; NaN where it was not asked for.</param>
/// <param name="Top">The most likely tokens in its place, the likeliest first; empty where they were not asked for.</param>
/// <param name="Ends">Whether it is the last token of the answer.</param>
public readonly record struct ServedToken(int Id, double LogP, IReadOnlyList<ListedToken> Top, bool Ends);

/// <summary>A prompt, as callers see it and as each member gets it.</summary>
/// <param name="Ids">The prompt in ids of <see cref="IServedModel.Tokenizer"/>. Where members render a conversation differently, the first member's form.</param>
/// <param name="Members">The ids that each member gets; a single entry where all members share a tokenizer.</param>
public sealed record ServedPrompt(int[] Ids, IReadOnlyList<int[]> Members);
