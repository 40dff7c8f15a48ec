using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Documents;

/// <summary>
/// Where a long document is cut: as late as the limits allow, at the end of a chunk and of a character; the last such place with white
/// space behind it is preferred when it is in the second half of the part, so that words stay whole.
/// </summary>
internal static class LongDocumentCutter
{
    /// <summary>The byte offsets of the cuts, in order, or null when some stretch within the limits has no place to cut.</summary>
    /// <param name="text">The document as UTF-8.</param>
    /// <param name="sides">One tokenization or two; the places are where all have a token boundary.</param>
    /// <param name="rule">The limits.</param>
    public static List<int>? Cut(ReadOnlySpan<byte> text, TokenSequence[] sides, TokenizationRule rule)
    {
        TokenSequence first = sides[0], last = sides[^1];
        Chunk[] chunks = ChunkAligner.Align(first, last);
        Span<int> extra = stackalloc int[sides.Length], from = stackalloc int[sides.Length], counts = stackalloc int[sides.Length];
        for (int side = 0; side < sides.Length; side++)
            extra[side] = sides[side].Units?.Count(u => u is UnitLabels.Bos or UnitLabels.Eos) ?? 0;
        List<int> cuts = [];
        int start = 0, best = -1, bestAtSpace = -1;
        bool begun = false;
        for (int k = 0; k < chunks.Length; k++)
        {
            if (first.Unit(chunks[k].TeacherStart) != UnitLabels.Text)
                continue;
            if (!begun)
            {
                from[0] = chunks[k].TeacherStart;
                from[^1] = chunks[k].StudentStart;
                begun = true;
            }
            counts[0] = chunks[k].TeacherEnd - from[0] + extra[0];
            counts[^1] = chunks[k].StudentEnd - from[^1] + extra[^1];
            if (!rule.Fits(counts))
            {
                if (best < 0)
                    return null;
                int chosen = bestAtSpace >= 0 && 2 * (End(bestAtSpace) - start) >= End(best) - start ? bestAtSpace : best;
                start = End(chosen);
                cuts.Add(start);
                k = chosen;
                best = bestAtSpace = -1;
                begun = false;
                continue;
            }
            int end = End(k);
            if (end == text.Length || (text[end] & 0xC0) == 0x80)
                continue;
            best = k;
            if (text[end] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                bestAtSpace = k;
        }
        return cuts;

        int End(int chunk) => first.ByteEnds[chunks[chunk].TeacherEnd - 1];
    }
}
