namespace Pipeline.Contracts.Teachers;

/// <summary>A teacher that can continue prompts, if its <see cref="TeacherAbilities.Generates"/> says so.</summary>
public interface IWritingTeacher : ITeacher
{
    /// <summary>Continues every prompt.</summary>
    /// <returns>
    /// One continuation for each prompt, in the order of the prompts. It depends only on its own prompt and random stream, up to rounding.
    /// </returns>
    Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken);
}

/// <summary>Prompts to continue, and how to draw the tokens.</summary>
/// <param name="Prompts">The ids of each prompt; none is empty.</param>
/// <param name="Streams">For each prompt the number of its random stream. Prompts with different numbers get independent draws.</param>
/// <param name="MaxNewTokens">The most tokens that are written after a prompt.</param>
/// <param name="Temperature">Logits are divided by it before a token is drawn; 0 always takes the most likely token.</param>
/// <param name="TopK">Draw only from this many of the most likely tokens; null draws from all.</param>
/// <param name="TopP">Draw only from the most likely tokens whose probabilities add up to this; null draws from all.</param>
/// <param name="Seed">The seed of all draws.</param>
public sealed record WritingRequest(
    IReadOnlyList<int[]> Prompts, IReadOnlyList<int> Streams, int MaxNewTokens, double Temperature = 0, int? TopK = null, double? TopP = null, int Seed = 0);

/// <summary>What a teacher wrote after a prompt.</summary>
/// <param name="Ids">The new tokens, without the one that ended the text; empty if the teacher gives <see cref="Text"/>.</param>
/// <param name="IsEnded">Whether the teacher ended the text by itself; otherwise the limit did.</param>
public sealed record TeacherWriting(int[] Ids, bool IsEnded)
{
    /// <summary>What was written, if the teacher gives text and not ids; otherwise null.</summary>
    public string? Text { get; init; }

    /// <summary>The number of tokens that were written.</summary>
    public int Count { get; init; } = Ids.Length;
}
