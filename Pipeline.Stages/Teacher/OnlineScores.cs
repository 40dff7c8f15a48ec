using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// The teacher run over a batch in the middle of training, in place of what the shards hold of it: what a cache is measured against.
/// </summary>
internal sealed class OnlineScores(ITeacher teacher)
{
    /// <summary>The same batch with scores in float32.</summary>
    /// <exception cref="InputException">A document has no teacher tokens.</exception>
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
