using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>Small random examples. A text is cut in two ways and aligned at the common cuts, with scores, units and loss masks.</summary>
internal static class RandomExamples
{
    public static Example Make(Random random, bool bos, bool masks, bool units)
    {
        int bytes = random.Next(1, 30);
        string text = string.Concat(Enumerable.Range(0, bytes).Select(_ => "ab  c\n"[random.Next(6)]));
        int[] common = Cuts(random, bytes, 0.4);
        Side teacher = Cut(random, common, bytes), student = Cut(random, common, bytes);
        if (bos)
        {
            teacher.Insert(0, 0, UnitLabels.Bos);
            student.Insert(0, 0, UnitLabels.Bos);
        }
        if (units)
        {
            // A pair of units somewhere between two chunks, and a special token without a partner somewhere else.
            int at = common[random.Next(common.Length)];
            int run = random.Next(1, 3);
            for (int i = 0; i < run; i++)
                teacher.InsertAfter(at, UnitLabels.FirstTemplateUnit);
            student.InsertAfter(at, UnitLabels.FirstTemplateUnit);
            (random.Next(2) == 0 ? teacher : student).InsertAfter(common[random.Next(common.Length)], UnitLabels.Unpaired);
        }
        var chunks = new List<Chunk>();
        foreach (ushort unit in new ushort[] { UnitLabels.Bos, UnitLabels.FirstTemplateUnit })
        {
            if (teacher.Units.Contains(unit))
                chunks.Add(new Chunk(teacher.Units.IndexOf(unit), teacher.Units.LastIndexOf(unit) + 1, student.Units.IndexOf(unit), student.Units.LastIndexOf(unit) + 1));
        }
        int from = 0;
        foreach (int to in common)
        {
            (int ts, int te) = teacher.Span(from, to);
            (int ss, int se) = student.Span(from, to);
            chunks.Add(new Chunk(ts, te, ss, se));
            from = to;
        }
        Chunk[] ordered = [.. chunks.OrderBy(c => c.TeacherStart)];
        int n = teacher.Ends.Count;
        var view = new TeacherView(teacher.Sequence(random, masks), new TeacherScores(
            [.. Enumerable.Range(0, n).Select(i => (float)(i == 0 ? 0 : random.NextDouble() * 6))], [.. Enumerable.Range(0, n).Select(_ => (float)(random.NextDouble() * 4))]));
        return new Example(new DocumentId(1, random.Next(), 0), text, student.Sequence(random, masks), view, ordered);
    }

    private static int[] Cuts(Random random, int bytes, double rate)
        => [.. Enumerable.Range(1, bytes - 1).Where(_ => random.NextDouble() < rate), bytes];

    private static Side Cut(Random random, int[] common, int bytes)
    {
        // The other side may have one of these further cuts too, by accident. The chunks are then not the shortest ones, which does no harm here.
        int[] ends = [.. common.Concat(Cuts(random, bytes, 0.3)).Distinct().Order()];
        return new Side([.. ends], [.. ends.Select(_ => UnitLabels.Text)]);
    }

    private sealed record Side(List<int> Ends, List<ushort> Units)
    {
        public void Insert(int at, int end, ushort unit)
        {
            Ends.Insert(at, end);
            Units.Insert(at, unit);
        }

        public void InsertAfter(int byteEnd, ushort unit) => Insert(Ends.FindLastIndex(e => e <= byteEnd) + 1, byteEnd, unit);

        public (int Start, int End) Span(int from, int to)
        {
            int start = Enumerable.Range(0, Ends.Count).First(i => Ends[i] > from && Units[i] == UnitLabels.Text);
            int end = Enumerable.Range(0, Ends.Count).Last(i => Ends[i] <= to && Units[i] == UnitLabels.Text) + 1;
            return (start, end);
        }

        public TokenSequence Sequence(Random random, bool masks)
            => new([.. Ends.Select(_ => random.Next(50))], [.. Ends], [.. Units], masks ? [.. Ends.Select(_ => random.Next(8) > 0)] : null);
    }
}
