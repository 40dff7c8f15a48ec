namespace Pipeline.Stages.Serving;

/// <summary>A token and its natural log-probability.</summary>
public readonly record struct ListedToken(int Id, double LogP);

/// <summary>A place of a prompt.</summary>
/// <param name="Id">The token there; -1 for the position after the last one.</param>
/// <param name="LogP">Natural logarithm of its probability given the tokens before; NaN for the first token and after the last.</param>
/// <param name="Rank">1 for the most likely token; 0 where there is no probability.</param>
/// <param name="Top">The most likely tokens there, descending; empty for the first.</param>
public sealed record ServedPosition(int Id, double LogP, int Rank, IReadOnlyList<ListedToken> Top);

/// <summary>A generated token.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogP">Natural logarithm of its probability; NaN where it was not asked for.</param>
/// <param name="Top">The most likely tokens there, descending; empty where not asked for.</param>
/// <param name="Ends">Whether it is the answer's last.</param>
public readonly record struct ServedToken(int Id, double LogP, IReadOnlyList<ListedToken> Top, bool Ends);

/// <summary>A prompt as each member of the model gets it.</summary>
/// <param name="Ids">In the tokens that callers count in; of a conversation that members write differently, the first one's.</param>
/// <param name="Members">Per member its ids; one entry where all have one tokenizer.</param>
public sealed record ServedPrompt(int[] Ids, IReadOnlyList<int[]> Members);
