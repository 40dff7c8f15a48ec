using System.Buffers;
using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Encodes chunks as gaps and lengths. Where a chunk ends on the student's side nearly always follows from the byte ends, so only the difference to
/// that is kept.
/// </summary>
internal static class ChunkCodec
{
    private const int LeastBytesPerChunk = 4;

    public static void Write(ReadOnlySpan<Chunk> chunks, TokenSequence? teacher, TokenSequence student, IBufferWriter<byte> buffer)
    {
        Varint.Write(buffer, (uint)chunks.Length);
        (int teacherEnd, int studentEnd) = (0, 0);
        foreach (Chunk chunk in chunks)
        {
            Varint.Write(buffer, (uint)(chunk.TeacherStart - teacherEnd));
            Varint.WriteSigned(buffer, chunk.TeacherEnd - chunk.TeacherStart - 1);
            Varint.Write(buffer, (uint)(chunk.StudentStart - studentEnd));
            Varint.WriteSigned(buffer, chunk.StudentEnd - Predict(chunk.TeacherStart, chunk.TeacherEnd, chunk.StudentStart, teacher, student));
            (teacherEnd, studentEnd) = (chunk.TeacherEnd, chunk.StudentEnd);
        }
    }

    /// <summary>The inverse of <see cref="Write"/>.</summary>
    /// <exception cref="InvalidDataException">The chunks are not in order, or not inside both sequences.</exception>
    public static Chunk[] Read(ReadOnlySpan<byte> bytes, TokenSequence? teacher, TokenSequence student)
    {
        int teacherCount = teacher?.Count ?? 0;
        int count = Varint.ReadAtMost(ref bytes, bytes.Length / LeastBytesPerChunk);
        var chunks = new Chunk[count];
        (int teacherEnd, int studentEnd) = (0, 0);
        for (int i = 0; i < count; i++)
        {
            int teacherStart = teacherEnd + Varint.ReadAtMost(ref bytes, teacherCount - teacherEnd);
            long end = teacherStart + 1L + Varint.ReadSigned(ref bytes);
            MessagePackBytes.Expect(end >= teacherStart && end <= teacherCount, "a chunk ends inside the teacher's tokens");
            teacherEnd = (int)end;
            int studentStart = studentEnd + Varint.ReadAtMost(ref bytes, student.Count - studentEnd);
            end = (long)Predict(teacherStart, teacherEnd, studentStart, teacher, student) + Varint.ReadSigned(ref bytes);
            MessagePackBytes.Expect(end >= studentStart && end <= student.Count, "a chunk ends inside the student's tokens");
            studentEnd = (int)end;
            chunks[i] = new Chunk(teacherStart, teacherEnd, studentStart, studentEnd);
        }
        MessagePackBytes.Expect(bytes.IsEmpty, "nothing follows the last chunk");
        return chunks;
    }

    /// <summary>Checks that chunks are in order, do not overlap, and are inside both sequences.</summary>
    /// <exception cref="InvalidOperationException">They are not. This is a bug in the stage that made them.</exception>
    public static void Validate(ReadOnlySpan<Chunk> chunks, int teacherCount, int studentCount)
    {
        (int teacherEnd, int studentEnd) = (0, 0);
        foreach (Chunk chunk in chunks)
        {
            if (chunk.TeacherStart < teacherEnd || chunk.TeacherEnd < chunk.TeacherStart || chunk.TeacherEnd > teacherCount
                || chunk.StudentStart < studentEnd || chunk.StudentEnd < chunk.StudentStart || chunk.StudentEnd > studentCount)
            {
                throw new InvalidOperationException(
                    $"{chunk} after teacher {teacherEnd} and student {studentEnd}, of {teacherCount} and {studentCount} tokens: chunks are in order and inside both");
            }
            (teacherEnd, studentEnd) = (chunk.TeacherEnd, chunk.StudentEnd);
        }
    }

    // The student's run should end with the first token that ends at the teacher's last byte or after it.
    private static int Predict(int teacherStart, int teacherEnd, int studentStart, TokenSequence? teacher, TokenSequence student)
    {
        if (teacher is null || teacherEnd == teacherStart)
            return studentStart;
        int target = teacher.ByteEnds[teacherEnd - 1];
        (int low, int high) = (studentStart, student.Count);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (student.ByteEnds[middle] < target)
                low = middle + 1;
            else
                high = middle;
        }
        return Math.Min(low + 1, student.Count);
    }
}
