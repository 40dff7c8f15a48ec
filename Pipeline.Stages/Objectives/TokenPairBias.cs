namespace Pipeline.Stages.Objectives;

/// <summary>
/// The tokenization bias of pairs of a teacher token and a student token that can end a chunk together: how much probability lies on what may follow
/// under one tokenizer but not under the other. It is a sparse matrix of P pairs. A pair that is not stored has no bias.
/// </summary>
/// <param name="TeacherVocabulary">The number of rows. A teacher id that is not below it is outside.</param>
/// <param name="StudentVocabulary">The number of columns. A student id that is not below it is outside.</param>
/// <param name="Teacher">[P] teacher ids, ascending; pairs with the same one are in the order of their student ids.</param>
/// <param name="Student">[P] student ids.</param>
/// <param name="TeacherOnly">[P] probability of what only the teacher's tokenizer allows next.</param>
/// <param name="StudentOnly">[P] probability of what only the student's tokenizer allows next.</param>
internal sealed record TokenPairBias(
    int TeacherVocabulary, int StudentVocabulary, int[] Teacher, int[] Student, float[] TeacherOnly, float[] StudentOnly)
{
    private readonly long[] _keys = Keys(Teacher, Student);

    /// <summary>
    /// Whether a chunk may end with this pair: both of its biases are at most the threshold, or the pair is outside the matrix.
    /// </summary>
    public bool Closes(int teacherId, int studentId, double threshold)
    {
        if (teacherId >= TeacherVocabulary || studentId >= StudentVocabulary)
            return true;
        int at = Array.BinarySearch(_keys, Key(teacherId, studentId));
        return at < 0 || (TeacherOnly[at] <= threshold && StudentOnly[at] <= threshold);
    }

    private static long Key(int teacherId, int studentId) => ((long)teacherId << 32) | (uint)studentId;

    private static long[] Keys(int[] teacher, int[] student)
    {
        if (teacher.Length != student.Length)
            throw new InvalidOperationException($"token pair bias: {teacher.Length} teacher ids and {student.Length} student ids; they must agree");
        var keys = new long[teacher.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Key(teacher[i], student[i]);
            if (i > 0 && keys[i] <= keys[i - 1])
                throw new InvalidOperationException($"token pair bias: pair {i} ({teacher[i]}, {student[i]}) is not after the pair before it");
        }
        return keys;
    }
}
