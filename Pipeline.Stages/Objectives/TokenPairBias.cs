namespace Pipeline.Stages.Objectives;

/// <summary>
/// Tokenization bias of (teacher token, student token) pairs that can end a chunk together: the probability of what may follow
/// under one tokenizer and not under the other. A pair that is not stored has no bias.
/// </summary>
/// <param name="TeacherVocabulary">Rows of the matrices: an id at or above it is outside.</param>
/// <param name="StudentVocabulary">Columns of the matrices.</param>
/// <param name="Teacher">[P] teacher ids, ascending; equal ones ordered by student id.</param>
/// <param name="Student">[P] student ids.</param>
/// <param name="TeacherOnly">[P] probability mass that only the teacher's tokenizer allows next.</param>
/// <param name="StudentOnly">[P] probability mass that only the student's tokenizer allows next.</param>
internal sealed record TokenPairBias(
    int TeacherVocabulary, int StudentVocabulary, int[] Teacher, int[] Student, float[] TeacherOnly, float[] StudentOnly)
{
    private readonly long[] _keys = Keys(Teacher, Student);

    /// <summary>Both biases of a pair are at or below the threshold, or the pair is outside the matrices.</summary>
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
