using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// What a student learns of its teacher's next bytes: one entry for each byte of text, and each end of a text, that a student's token which
/// counts in the loss mask holds. A token of one byte has one entry; longer ones have one for each of their bytes. n entries, K the most bytes
/// that one of them names. Names beyond an entry's own are <see cref="Nothing"/> with probability 0.
/// </summary>
/// <param name="At_n">Flat student positions (row · length + t), ascending: the hidden state there predicts the token that holds the byte.</param>
/// <param name="Next_n">That token's id.</param>
/// <param name="Depth_n">Bytes of that token, put-in spaces among them, before the one predicted.</param>
/// <param name="Width">K.</param>
/// <param name="Symbols_nK">Bytes 0…255, or <see cref="Nothing"/>.</param>
/// <param name="Probabilities_nK">The teacher's, of those bytes.</param>
/// <param name="End_n">The teacher's probability of the end.</param>
/// <param name="Rest_n">Of all other bytes together.</param>
internal sealed record ByteTables(
    long[] At_n, int[] Next_n, int[] Depth_n, int Width, short[] Symbols_nK, float[] Probabilities_nK, float[] End_n, float[] Rest_n)
{
    public const short Nothing = -1;

    /// <summary>n.</summary>
    public int Count => At_n.Length;

    /// <param name="examples">[B] rows; those whose teacher has no bytes give nothing.</param>
    /// <param name="length">T.</param>
    /// <param name="bytesOf">Bytes that a student's token spells.</param>
    /// <param name="positions">Which bytes have an entry.</param>
    public static ByteTables From(IReadOnlyList<Example> examples, int length, Func<int, int> bytesOf, BytePositions positions = BytePositions.Every)
    {
        var at = new List<(long At, int Next, int Depth)>();
        var rows = new List<(TeacherBytes Bytes, int Row)>();
        for (int b = 0; b < examples.Count; b++)
        {
            if (examples[b].Teacher is not { Bytes: { } bytes } teacher)
                continue;
            HashSet<int>? ends = positions == BytePositions.TokenEnds ? [0, .. teacher.Tokens.ByteEnds] : null;
            TokenSequence student = examples[b].Student;
            for (int t = 0; t + 1 < student.Count; t++)
            {
                (int from, int count, int putIn) = Predicted(student, t + 1, bytesOf);
                for (int k = 0; k < count; k++)
                {
                    if (!bytes.Has(from + k) || ends?.Contains(from + k) == false)
                        continue;
                    at.Add(((long)b * length + t, student.Ids[t + 1], putIn + k));
                    rows.Add((bytes, from + k));
                }
            }
        }
        int width = rows.Count == 0 ? 0 : rows.Max(r => r.Bytes.Starts[r.Row + 1] - r.Bytes.Starts[r.Row]);
        var tables = new ByteTables(
            [.. at.Select(a => a.At)], [.. at.Select(a => a.Next)], [.. at.Select(a => a.Depth)],
            width, new short[rows.Count * width], new float[rows.Count * width], new float[rows.Count], new float[rows.Count]);
        tables.Symbols_nK.AsSpan().Fill(Nothing);
        for (int n = 0; n < rows.Count; n++)
            tables.Fill(n, rows[n].Bytes, rows[n].Row);
        return tables;
    }

    // Which rows of the teacher's a token is predicted by: the first, how many, and put-in bytes of the token before the first.
    private static (int From, int Count, int PutIn) Predicted(TokenSequence student, int next, Func<int, int> bytesOf)
    {
        int from = student.ByteEnds[next - 1], own = student.ByteEnds[next] - from;
        if (!student.Counts(next))
            return default;
        if (student.Unit(next) == UnitLabels.Eos)
            return (from, 1, 0);
        int putIn = bytesOf(student.Ids[next]) - own;
        return student.Unit(next) == UnitLabels.Text && own > 0 && putIn >= 0 ? (from, own, putIn) : default;
    }

    private void Fill(int n, TeacherBytes bytes, int row)
    {
        int start = bytes.Starts[row], count = bytes.Starts[row + 1] - start;
        for (int i = 0; i < count; i++)
        {
            Symbols_nK[(n * Width) + i] = bytes.Symbols[start + i];
            Probabilities_nK[(n * Width) + i] = MathF.Exp(-bytes.NegLogProbabilities[start + i]);
        }
        End_n[n] = MathF.Exp(-bytes.NegLogEnd[row]);
        Rest_n[n] = MathF.Exp(-bytes.NegLogRest[row]);
    }
}
