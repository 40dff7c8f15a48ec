using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>What a teacher says of one row.</summary>
/// <param name="Scores">
/// Per token of the row, kept inside float16's finite range: an impossible token has the largest number, not infinity.
/// </param>
public sealed record TeacherAnswer(TeacherScores Scores)
{
    /// <summary>[layers, positions asked for, H] where the request asked for hidden states; else null.</summary>
    public TeacherHidden? Hidden { get; init; }

    /// <summary>Next bytes of the row's text, where the request asked for them.</summary>
    public AnsweredBytes? Bytes { get; init; }
}
