using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>
/// What MinED compares: after chunks of one token on both sides the two distributions of the next token; in all other chunks the
/// student's own tokens. Flat positions.
/// </summary>
/// <param name="Teacher">[K] the chunk's teacher token.</param>
/// <param name="Student">[K] the chunk's student token.</param>
/// <param name="Target">[J] student tokens to be predicted from the position before them.</param>
internal sealed record MinedTables(long[] Teacher, long[] Student, long[] Target)
{
    public int Count => Student.Length + Target.Length;

    /// <summary>A position takes part when the token after it counts in the loss mask; the first token of a row is in no pair.</summary>
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
