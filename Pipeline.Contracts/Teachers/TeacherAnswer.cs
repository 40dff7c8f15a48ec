using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>What a teacher says about one row of n tokens.</summary>
/// <param name="Scores">
/// [n] Two numbers for each token. They stay in the finite range of float16: an impossible token has the largest number and not infinity.
/// </param>
public sealed record TeacherAnswer(TeacherScores Scores)
{
    /// <summary>[layers, positions asked for, H] Hidden states, if the request asked for them; otherwise null.</summary>
    public TeacherHidden? Hidden { get; init; }

    /// <summary>The next bytes of the row's text, if the request asked for them; otherwise null.</summary>
    public AnsweredBytes? Bytes { get; init; }
}
