using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// What MinED compares. After a chunk that is one token on both sides, these are the two distributions of the next token. In all other chunks, it is the
/// student's prediction of its own tokens. Positions are flat.
/// </summary>
/// <param name="Teacher">[K] the teacher token of each such pair.</param>
/// <param name="Student">[K] the student token of each such pair.</param>
/// <param name="Target">[J] student tokens that are predicted from the position before them.</param>
internal sealed record MinedTables(long[] Teacher, long[] Student, long[] Target)
{
    /// <summary>K + J.</summary>
    public int Count => Student.Length + Target.Length;

    /// <summary>
    /// The pairs and targets of a batch. Only a position whose next token counts in the loss mask takes part, and never the first one of a row.
    /// </summary>
    public static MinedTables From(BaselineTables tables)
    {
        bool StudentTakesPart(int i) => i % tables.Length + 1 < tables.Length && tables.Counts_N[i + 1];
        bool TeacherTakesPart(int i) => i % tables.TeacherLength + 1 < tables.TeacherLength && tables.Counts_M[i + 1];
        List<long> teacher = [], student = [], target = [];
        foreach (Chunk chunk in tables.Chunks)
        {
            int[] t = [.. Enumerable.Range(chunk.TeacherStart, chunk.TeacherEnd - chunk.TeacherStart).Where(i => i % tables.TeacherLength > 0 && TeacherTakesPart(i))];
            int[] s = [.. Enumerable.Range(chunk.StudentStart, chunk.StudentEnd - chunk.StudentStart).Where(i => i % tables.Length > 0 && StudentTakesPart(i))];
            if (t.Length == 1 && s.Length == 1)
            {
                teacher.Add(t[0]);
                student.Add(s[0]);
            }
            else
            {
                target.AddRange(s.Select(i => (long)i));
            }
        }
        return new MinedTables([.. teacher], [.. student], [.. target]);
    }
}
