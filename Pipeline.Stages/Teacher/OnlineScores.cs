using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Scores each batch with the teacher during training, and puts the result in the place of the scores in the shards. Training on a cache can be compared
/// with this.
/// </summary>
internal sealed class OnlineScores(ITeacher teacher)
{
    /// <summary>The same batch, with scores that the teacher gives now. They are in float32.</summary>
    /// <exception cref="InputException">A document has no teacher tokens, or the teacher cannot answer.</exception>
    public async Task<StudentBatch> ScoreAsync(StudentBatch batch, CancellationToken cancellationToken)
    {
        TeacherQuestion[] rows = Array.ConvertAll(batch.Examples, e => new TeacherQuestion(e.Teacher?.Tokens.Ids ?? throw new InputException(
            $"document {e.Id} has no teacher tokens, and alm.scores 'online' runs the teacher over them; use shards that were written after tokenize"))
        { Document = e.Id });
        IReadOnlyList<TeacherAnswer> scored = await teacher.ScoreAsync(new TeacherRequest(rows), cancellationToken).ConfigureAwait(false);
        Example[] examples = [.. batch.Examples.Zip(scored, (e, s) => e with { Teacher = e.Teacher! with { Scores = s.Scores } })];
        return batch with { Examples = examples };
    }
}
