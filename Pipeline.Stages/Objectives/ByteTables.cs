using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// What a student learns from its teacher's next bytes. There is an entry for each byte of text, and for the end of a text, that is in a student
/// token which counts in the loss mask, if the teacher has a distribution there. A token of several bytes has an entry for each of them. n entries;
/// K is the largest number of bytes that an entry names. Entries that name fewer are filled up with <see cref="Nothing"/> and probability 0.
/// </summary>
/// <param name="At_n">[n] flat student positions (row · length + t), ascending. The hidden state there predicts the token with the byte.</param>
/// <param name="Next_n">[n] the id of that token.</param>
/// <param name="Depth_n">[n] how many of that token's bytes, inserted spaces included, come before the byte.</param>
/// <param name="Width">K.</param>
/// <param name="Symbols_nK">[n · K] the bytes named, ascending within an entry, or <see cref="Nothing"/>.</param>
/// <param name="Probabilities_nK">[n · K] the teacher's probabilities of these bytes.</param>
/// <param name="End_n">[n] the teacher's probability that the text ends here.</param>
/// <param name="Rest_n">[n] the teacher's probability of all other bytes together.</param>
internal sealed record ByteTables(
    long[] At_n, int[] Next_n, int[] Depth_n, int Width, short[] Symbols_nK, float[] Probabilities_nK, float[] End_n, float[] Rest_n)
{
    /// <summary>Takes the place of a byte where an entry names no more of them.</summary>
    public const short Nothing = -1;

    /// <summary>n.</summary>
    public int Count => At_n.Length;

    /// <summary>The entries of a batch.</summary>
    /// <param name="examples">[B] rows. Those without the teacher's next bytes have no entries.</param>
    /// <param name="length">T, the number of student positions in a row with its padding.</param>
    /// <param name="bytesOf">How many bytes a token of the student spells.</param>
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
                (int from, int count, int inserted) = Predicted(student, t + 1, bytesOf);
                for (int k = 0; k < count; k++)
                {
                    if (!bytes.Has(from + k) || ends?.Contains(from + k) == false)
                        continue;
                    at.Add(((long)b * length + t, student.Ids[t + 1], inserted + k));
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

    // Which of the teacher's rows say something about a token: the first of them, their number, and the bytes inserted in front of the token's text.
    private static (int From, int Count, int Inserted) Predicted(TokenSequence student, int next, Func<int, int> bytesOf)
    {
        int from = student.ByteEnds[next - 1], own = student.ByteEnds[next] - from;
        if (!student.Counts(next))
            return default;
        if (student.Unit(next) == UnitLabels.Eos)
            return (from, 1, 0);
        int inserted = bytesOf(student.Ids[next]) - own;
        return student.Unit(next) == UnitLabels.Text && own > 0 && inserted >= 0 ? (from, own, inserted) : default;
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
