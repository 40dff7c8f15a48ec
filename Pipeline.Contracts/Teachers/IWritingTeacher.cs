namespace Pipeline.Contracts.Teachers;

/// <summary>A teacher that continues prompts, as its <see cref="TeacherAbilities.Generates"/> says.</summary>
public interface IWritingTeacher : ITeacher
{
    /// <summary>Continues every prompt, in the order of the prompts. An answer depends only on its own prompt and stream, up to rounding.</summary>
    Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken);
}

/// <summary>Prompts to continue.</summary>
/// <param name="Prompts">Ids; none empty.</param>
/// <param name="Streams">One number for each prompt: it selects the prompt's random stream.</param>
/// <param name="MaxNewTokens">At most this many for each prompt.</param>
/// <param name="Temperature">Logits are divided by it before a token is sampled; 0 takes the most likely one.</param>
/// <param name="TopK">Sample from this many of the most likely tokens; null: all.</param>
/// <param name="TopP">Sample from the most likely tokens whose probabilities add up to this; null: all.</param>
/// <param name="Seed">Seed of the sampling.</param>
public sealed record WritingRequest(
    IReadOnlyList<int[]> Prompts, IReadOnlyList<int> Streams, int MaxNewTokens, double Temperature = 0, int? TopK = null, double? TopP = null, int Seed = 0);

/// <summary>What was written after a prompt.</summary>
/// <param name="Ids">New tokens, without the one that ended it; none where the teacher gives <see cref="Text"/>.</param>
/// <param name="IsEnded">Whether the teacher ended it, or else the limit did.</param>
public sealed record TeacherWriting(int[] Ids, bool IsEnded)
{
    /// <summary>What was written, if the teacher gives text and not ids.</summary>
    public string? Text { get; init; }

    /// <summary>How many tokens were written.</summary>
    public int Count { get; init; } = Ids.Length;
}
