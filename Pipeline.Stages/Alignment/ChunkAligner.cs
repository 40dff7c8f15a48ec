using System.Buffers;

using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Alignment;

/// <summary>
/// Aligns two tokenizations of one text: the smallest pairs of token runs that end on the same byte (arXiv 2503.20083, section 3),
/// found by one greedy walk over both lists of byte ends, O(n + m).
/// </summary>
/// <remarks>
/// <para>Special tokens (unit label other than <see cref="UnitLabels.Text"/>): a run of one label on one side is a unit. It pairs with the next
/// unit of the same label at the same byte of the other side; units that are passed over, and <see cref="UnitLabels.Unpaired"/> ones,
/// belong to no chunk. A stretch of text that holds a special token on one side where the other side has no token boundary belongs to no chunk.</para>
/// <para>Tokens of no bytes (the dummy space of a SentencePiece tokenizer) belong to the chunk of the text token that follows them,
/// because their probability is part of how that side reaches that text; with a special token or the end of the sequence after them they
/// belong to no chunk.</para>
/// </remarks>
internal static class ChunkAligner
{
    /// <summary>
    /// How far a unit looks for its partner among the other side's units at the same byte. A turn's header and end are fewer than
    /// ten; the bound keeps thousands of empty turns linear.
    /// </summary>
    internal const int LookAhead = 64;

    /// <summary>The chunks of two views of one text, in order.</summary>
    public static Chunk[] Align(TokenSequence teacher, TokenSequence student)
    {
        Chunk[] scratch = ArrayPool<Chunk>.Shared.Rent(Math.Min(teacher.Count, student.Count));
        int count = Align(teacher.ByteEnds, teacher.Units, student.ByteEnds, student.Units, scratch);
        Chunk[] chunks = scratch.AsSpan(0, count).ToArray();
        ArrayPool<Chunk>.Shared.Return(scratch);
        return chunks;
    }

    /// <summary>The same without allocation.</summary>
    /// <param name="teacherEnds">[n] byte ends, never decreasing.</param>
    /// <param name="teacherUnits">[n] unit labels, or empty when every token is text.</param>
    /// <param name="studentEnds">[m] byte ends, never decreasing.</param>
    /// <param name="studentUnits">[m] unit labels, or empty when every token is text.</param>
    /// <param name="chunks">Takes the chunks; min(n, m) always suffices.</param>
    /// <returns>How many chunks were written.</returns>
    public static int Align(
        ReadOnlySpan<int> teacherEnds,
        ReadOnlySpan<ushort> teacherUnits,
        ReadOnlySpan<int> studentEnds,
        ReadOnlySpan<ushort> studentUnits,
        Span<Chunk> chunks)
    {
        if ((teacherUnits.Length != 0 && teacherUnits.Length != teacherEnds.Length)
            || (studentUnits.Length != 0 && studentUnits.Length != studentEnds.Length))
        {
            throw new ArgumentException("unit labels are given for some tokens only; give one for each or none");
        }
        if (chunks.Length < Math.Min(teacherEnds.Length, studentEnds.Length))
            throw new ArgumentException($"room for {chunks.Length} chunks; {Math.Min(teacherEnds.Length, studentEnds.Length)} are possible", nameof(chunks));
        return teacherUnits.Length == 0 && studentUnits.Length == 0
            ? AlignText(teacherEnds, studentEnds, chunks)
            : new MarkedWalk(teacherEnds, teacherUnits, studentEnds, studentUnits, chunks).Run();
    }

    private static int AlignText(ReadOnlySpan<int> teacherEnds, ReadOnlySpan<int> studentEnds, Span<Chunk> chunks)
    {
        int count = 0, closed = 0, i = 0, j = 0, from = 0, other = 0;
        while (i < teacherEnds.Length && j < studentEnds.Length)
        {
            int teacher = teacherEnds[i], student = studentEnds[j];
            if (teacher < student || teacher == closed)
            {
                i++;
            }
            else if (student < teacher)
            {
                j++;
            }
            else
            {
                chunks[count++] = new Chunk(from, ++i, other, ++j);
                closed = teacher;
                from = i;
                other = j;
            }
        }
        return count;
    }
}
