using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Documents;

/// <summary>
/// Chooses where a long document is cut: as late as the limits allow, at the end of a chunk and of a character. So that words stay whole, the last such
/// place with white space after it is preferred if it is in the second half of the part.
/// </summary>
internal static class LongDocumentCutter
{
    /// <summary>The byte offsets of the cuts, in order. Null if there is a stretch within the limits that has no place to cut.</summary>
    /// <param name="text">The document in UTF-8.</param>
    /// <param name="sides">One tokenization or two. Cuts are where all of them have a token boundary.</param>
    /// <param name="rule">The limits.</param>
    public static List<int>? Cut(ReadOnlySpan<byte> text, TokenSequence[] sides, TokenizationRule rule)
    {
        List<SharedEnd> ends = SharedEnds(sides[0], sides[^1]);
        Span<int> extra = stackalloc int[sides.Length], from = stackalloc int[sides.Length], counts = stackalloc int[sides.Length];
        // Each part may get special tokens as the document has them.
        for (int side = 0; side < sides.Length; side++)
            extra[side] = sides[side].Units?.Count(u => u is UnitLabels.Bos or UnitLabels.Eos) ?? 0;
        List<int> cuts = [];
        int start = 0, best = -1, bestAtSpace = -1;
        from[0] = FirstText(sides[0]);
        from[^1] = FirstText(sides[^1]);
        for (int k = 0; k < ends.Count; k++)
        {
            counts[0] = ends[k].First - from[0] + extra[0];
            counts[^1] = ends[k].Last - from[^1] + extra[^1];
            if (!rule.Fits(counts))
            {
                if (best < 0)
                    return null;
                int chosen = bestAtSpace >= 0 && 2 * (ends[bestAtSpace].Byte - start) >= ends[best].Byte - start ? bestAtSpace : best;
                (from[0], from[^1], start) = (ends[chosen].First, ends[chosen].Last, ends[chosen].Byte);
                cuts.Add(start);
                k = chosen;
                best = bestAtSpace = -1;
                continue;
            }
            int end = ends[k].Byte;
            if (end == text.Length || (text[end] & 0xC0) == 0x80)
                continue;
            best = k;
            if (text[end] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                bestAtSpace = k;
        }
        return cuts;
    }

    /// <summary>
    /// Every byte at which a text token of both sides ends, with the number of tokens of each side before it. These are the ends of chunks. The chunks
    /// themselves are not needed here, because each part is encoded again.
    /// </summary>
    internal static List<SharedEnd> SharedEnds(TokenSequence first, TokenSequence last)
    {
        List<SharedEnd> shared = [];
        int closed = 0;
        for (int i = FirstText(first), j = FirstText(last); i < first.Count && j < last.Count && first.Unit(i) == UnitLabels.Text && last.Unit(j) == UnitLabels.Text;)
        {
            int a = first.ByteEnds[i], b = last.ByteEnds[j];
            if (a == b && a > closed)
                shared.Add(new SharedEnd(i + 1, j + 1, closed = a));
            // The side that is behind moves on. A token without bytes counts as behind.
            (i, j) = (a <= b ? i + 1 : i, b <= a ? j + 1 : j);
        }
        return shared;
    }

    private static int FirstText(TokenSequence side)
    {
        int i = 0;
        while (i < side.Count && side.Unit(i) != UnitLabels.Text)
            i++;
        return i;
    }
}
