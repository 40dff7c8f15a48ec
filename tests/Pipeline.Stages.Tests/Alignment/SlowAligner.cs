using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>The obvious aligner: set intersection of byte ends, then one look at all tokens for every chunk. Quadratic.</summary>
internal static class SlowAligner
{
    public static Chunk[] Align(TokenSequence teacher, TokenSequence student)
    {
        List<int> common = [0, .. TextEnds(teacher).Intersect(TextEnds(student)).Where(e => e > 0).Distinct().Order()];
        List<Chunk> chunks = [];
        for (int k = 0; k < common.Count; k++)
        {
            chunks.AddRange(Units(teacher, student, common[k]));
            if (k + 1 == common.Count)
                break;
            (int i0, int i1) = TextRun(teacher, common[k], common[k + 1]);
            (int j0, int j1) = TextRun(student, common[k], common[k + 1]);
            if (!HoldsMark(teacher, i0, i1) && !HoldsMark(student, j0, j1))
                chunks.Add(new Chunk(i0, i1, j0, j1));
        }
        return [.. chunks];
    }

    private static IEnumerable<int> TextEnds(TokenSequence side)
        => Enumerable.Range(0, side.Count).Where(i => side.Unit(i) == UnitLabels.Text).Select(i => side.ByteEnds[i]);

    /// <summary>From behind the token that reached the first byte, and behind the marks there, to the token that reaches the second.</summary>
    private static (int Start, int End) TextRun(TokenSequence side, int first, int second)
    {
        int reached = first == 0 ? 0 : Array.FindIndex(side.ByteEnds, e => e == first) + 1;
        int lastMark = Enumerable.Range(0, side.Count).LastOrDefault(i => side.Unit(i) != UnitLabels.Text && side.ByteEnds[i] == first, -1);
        return (Math.Max(reached, lastMark + 1), Array.FindIndex(side.ByteEnds, e => e == second) + 1);
    }

    private static bool HoldsMark(TokenSequence side, int start, int end)
        => Enumerable.Range(start, end - start).Any(i => side.Unit(i) != UnitLabels.Text);

    private static IEnumerable<Chunk> Units(TokenSequence teacher, TokenSequence student, int at)
    {
        List<(int Start, int End, ushort Label)> ours = UnitsAt(teacher, at), theirs = UnitsAt(student, at);
        int next = 0;
        foreach ((int start, int end, ushort label) in ours.Where(u => u.Label != UnitLabels.Unpaired))
        {
            int found = theirs.FindIndex(next, u => u.Label == label);
            if (found < 0)
                continue;
            yield return new Chunk(start, end, theirs[found].Start, theirs[found].End);
            next = found + 1;
        }
    }

    private static List<(int Start, int End, ushort Label)> UnitsAt(TokenSequence side, int at)
    {
        List<(int Start, int End, ushort Label)> units = [];
        for (int i = 0; i < side.Count; i++)
        {
            if (side.ByteEnds[i] != at || side.Unit(i) == UnitLabels.Text)
                continue;
            if (units.Count > 0 && units[^1].End == i && units[^1].Label == side.Unit(i))
                units[^1] = units[^1] with { End = i + 1 };
            else
                units.Add((i, i + 1, side.Unit(i)));
        }
        return units;
    }
}
