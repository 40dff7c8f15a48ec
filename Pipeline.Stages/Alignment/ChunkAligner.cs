using System.Buffers;

using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Alignment;

/// <summary>
/// Aligns two tokenizations of one text. It finds the chunks, the smallest pairs of token runs that end on the same byte (arXiv 2503.20083, section 3),
/// by one greedy walk over both lists of byte ends. For n and m tokens that takes O(n + m).
/// </summary>
/// <remarks>
/// <para>Tokens with another label than <see cref="UnitLabels.Text"/> are aligned as units. A unit is a run of one label on one side. It pairs with the
/// next unit of the same label at the same byte on the other side. Units that are passed over in this way, and those labelled
/// <see cref="UnitLabels.Unpaired"/>, are in no chunk. If one side has such a token inside a stretch of text, where the other side has no token
/// boundary, that stretch is in no chunk either.</para>
/// <para>A token without bytes, such as the space that a SentencePiece tokenizer inserts, is in the chunk of the text token that follows it, because
/// its probability is part of how that side reaches the text. If a unit or the end of the sequence follows it, it is in no chunk.</para>
/// </remarks>
internal static class ChunkAligner
{
    /// <summary>
    /// How many units of the other side, at the same byte, a unit is compared with to find its partner. The end of one turn and the header of the next
    /// are fewer than ten. The limit keeps the walk linear in a conversation with thousands of empty turns.
    /// </summary>
    internal const int LookAhead = 64;

    /// <summary>The chunks of two tokenizations of one text, in order.</summary>
    public static Chunk[] Align(TokenSequence teacher, TokenSequence student)
    {
        Chunk[] scratch = ArrayPool<Chunk>.Shared.Rent(Math.Min(teacher.Count, student.Count));
        int count = Align(teacher.ByteEnds, teacher.Units, student.ByteEnds, student.Units, scratch);
        Chunk[] chunks = scratch.AsSpan(0, count).ToArray();
        ArrayPool<Chunk>.Shared.Return(scratch);
        return chunks;
    }

    /// <summary>As above, without allocating.</summary>
    /// <param name="teacherEnds">[n] Byte ends, which never decrease.</param>
    /// <param name="teacherUnits">[n] Unit labels, or empty if every token is text.</param>
    /// <param name="studentEnds">[m] Byte ends, which never decrease.</param>
    /// <param name="studentUnits">[m] Unit labels, or empty if every token is text.</param>
    /// <param name="chunks">Takes the chunks. There must be room for min(n, m), and there are never more.</param>
    /// <returns>The number of chunks.</returns>
    /// <exception cref="ArgumentException">The lengths of byte ends and labels disagree, or there is too little room.</exception>
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
        int count = 0, closed = 0, i = 0, j = 0, teacherStart = 0, studentStart = 0;
        while (i < teacherEnds.Length && j < studentEnds.Length)
        {
            int teacherEnd = teacherEnds[i], studentEnd = studentEnds[j];
            // A token that ends where the last chunk ended has no bytes and belongs to the next chunk.
            if (teacherEnd < studentEnd || teacherEnd == closed)
            {
                i++;
            }
            else if (studentEnd < teacherEnd)
            {
                j++;
            }
            else
            {
                chunks[count++] = new Chunk(teacherStart, ++i, studentStart, ++j);
                closed = teacherEnd;
                teacherStart = i;
                studentStart = j;
            }
        }
        return count;
    }
}
