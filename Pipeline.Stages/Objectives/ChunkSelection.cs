using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>Joins the chunks of an example as the chunk kind says, and selects those that count. Takes time linear in the tokens.</summary>
internal static class ChunkSelection
{
    private const byte Space = 0x20;

    /// <summary>The chunks of an example that count, in order. An example without a teacher has none.</summary>
    /// <param name="example">The example.</param>
    /// <param name="rules">Which chunks count.</param>
    /// <param name="excluded">How many chunks do not.</param>
    /// <exception cref="InputException">The teacher's scores are not finite, do not fit its tokens, or lack the boundary masses that are read.</exception>
    public static List<ChunkPart> Of(Example example, ChunkRules rules, out int excluded)
    {
        excluded = 0;
        var parts = new List<ChunkPart>(example.Chunks.Length);
        if (example.Teacher is not { } teacher)
            return parts;
        RequireScores(example, teacher);
        byte[] text = rules.Kind == ChunkKind.AtSpaces ? Encoding.UTF8.GetBytes(example.Text) : [];
        if (rules.Kind == ChunkKind.Unbiased && rules.Bias is null)
            throw new InvalidOperationException("chunks of kind 'unbiased' need the bias matrices");

        Chunk[] chunks = example.Chunks;
        int teacherEnd = 0, studentEnd = 0;
        bool gap = false;
        for (int first = 0; first < chunks.Length;)
        {
            int last = first;
            while (last + 1 < chunks.Length && !Closes(example, teacher, chunks[last], chunks[last + 1], rules, text))
                last++;
            var chunk = new Chunk(chunks[first].TeacherStart, chunks[last].TeacherEnd, chunks[first].StudentStart, chunks[last].StudentEnd);
            gap |= chunk.TeacherStart != teacherEnd || chunk.StudentStart != studentEnd;
            (teacherEnd, studentEnd) = (chunk.TeacherEnd, chunk.StudentEnd);
            if (Counts(example, teacher.Tokens, chunk, rules.Use))
            {
                parts.Add(Part(example, teacher.Scores, chunk, last, gap, rules));
                gap = false;
            }
            else
            {
                excluded++;
                gap = true;
            }
            first = last + 1;
        }
        return parts;
    }

    // Whether a chunk ends for good here. If not, it is joined with the next one. Units and gaps are never joined.
    private static bool Closes(Example example, TeacherView teacher, Chunk chunk, Chunk next, ChunkRules rules, byte[] text)
    {
        if (rules.Kind == ChunkKind.Every || next.TeacherStart != chunk.TeacherEnd || next.StudentStart != chunk.StudentEnd)
            return true;
        int teacherLast = chunk.TeacherEnd - 1, studentLast = chunk.StudentEnd - 1;
        if (teacher.Tokens.Unit(teacherLast) != UnitLabels.Text || example.Student.Unit(studentLast) != UnitLabels.Text
            || teacher.Tokens.Unit(chunk.TeacherEnd) != UnitLabels.Text || example.Student.Unit(chunk.StudentEnd) != UnitLabels.Text)
        {
            return true;
        }
        if (rules.Kind == ChunkKind.Unbiased)
            return rules.Bias!.Closes(teacher.Tokens.Ids[teacherLast], example.Student.Ids[studentLast], rules.BiasThreshold);
        int end = teacher.Tokens.ByteEnds[teacherLast];
        return end >= text.Length || text[end] == Space;
    }

    private static bool Counts(Example example, TokenSequence teacher, Chunk chunk, ChunkUse use)
    {
        if (chunk.TeacherStart >= chunk.TeacherEnd || chunk.StudentStart >= chunk.StudentEnd)
            return false;
        if (use == ChunkUse.HiddenState)
            return true;
        if (chunk.TeacherStart == 0 || chunk.StudentStart == 0 || teacher.Unit(chunk.TeacherStart) == UnitLabels.Bos)
            return false;
        for (int i = chunk.TeacherStart; i < chunk.TeacherEnd; i++)
        {
            if (!teacher.Counts(i))
                return false;
        }
        for (int i = chunk.StudentStart; i < chunk.StudentEnd; i++)
        {
            if (!example.Student.Counts(i))
                return false;
        }
        return true;
    }

    private static ChunkPart Part(Example example, TeacherScores scores, Chunk chunk, int source, bool gap, ChunkRules rules)
    {
        double negLogLikelihood = 0;
        for (int i = chunk.TeacherStart; i < chunk.TeacherEnd; i++)
            negLogLikelihood += scores.NegLogLikelihood[i];
        ChunkBoundary boundary = ChunkBoundary.Of(example, scores, chunk.TeacherEnd - 1, rules);
        if (!double.IsFinite(negLogLikelihood) || !boundary.IsFinite)
        {
            throw new InputException(
                $"document {example.Id}: teacher tokens {chunk.TeacherStart}..{chunk.TeacherEnd - 1} have the scores {negLogLikelihood} and "
                + $"{-boundary.Log}, expected finite numbers; score the document again");
        }
        return new ChunkPart(
            (float)Math.Min(0, -negLogLikelihood), boundary.Log, chunk.TeacherEnd - chunk.TeacherStart, chunk.TeacherEnd - 1,
            chunk.StudentStart, chunk.StudentEnd, source, gap)
        { Bounds = (boundary.Lower, boundary.Upper) };
    }

    private static void RequireScores(Example example, TeacherView teacher)
    {
        int tokens = teacher.Tokens.Count, likelihoods = teacher.Scores.NegLogLikelihood.Length;
        int boundaries = (teacher.Scores.NegLogBoundary ?? teacher.Scores.Interval?.NegLogLower)?.Length ?? tokens;
        if (likelihoods != tokens || boundaries != tokens)
        {
            throw new InputException(
                $"document {example.Id}: {tokens} teacher tokens, {likelihoods} log-likelihoods and {boundaries} boundary masses; they must agree; "
                + "delete the shard and score it again");
        }
    }
}
