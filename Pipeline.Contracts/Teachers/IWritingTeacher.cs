namespace Pipeline.Contracts.Teachers;

/// <summary>A teacher that continues prompts: what its <see cref="TeacherAbilities.Generates"/> says.</summary>
public interface IWritingTeacher : ITeacher
{
    /// <summary>Continues every prompt, in the order of the prompts. An answer depends on its own prompt and stream alone, up to rounding.</summary>
    Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken);
}

/// <summary>Prompts to continue.</summary>
/// <param name="Prompts">Ids; none empty.</param>
/// <param name="Streams">One for each prompt: its draws are those of this number.</param>
/// <param name="MaxNewTokens">At most so many for each.</param>
/// <param name="Temperature">Logits are divided by it before a token is drawn; 0 takes the most likely one.</param>
/// <param name="TopK">Draw among so many; null: all.</param>
/// <param name="TopP">Draw among the most likely tokens whose probabilities sum up to this; null: all.</param>
/// <param name="Seed">Of all draws.</param>
public sealed record WritingRequest(
    IReadOnlyList<int[]> Prompts, IReadOnlyList<int> Streams, int MaxNewTokens, double Temperature = 0, int? TopK = null, double? TopP = null, int Seed = 0);

/// <summary>What was written after a prompt.</summary>
/// <param name="Ids">New tokens, without the one that ended it; none where the teacher says <see cref="Text"/>.</param>
/// <param name="IsEnded">Whether the teacher ended it; else the limit did.</param>
public sealed record TeacherWriting(int[] Ids, bool IsEnded)
{
    /// <summary>What was written, where the teacher says text and not ids.</summary>
    public string? Text { get; init; }

    /// <summary>How many tokens were written.</summary>
    public int Count { get; init; } = Ids.Length;
}
