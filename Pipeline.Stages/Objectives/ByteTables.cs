using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>
/// What a byte-level student learns of its teacher's next bytes: one entry for each student position whose next token is a byte of the text or
/// its end and counts in the loss mask. n such positions, K the most bytes that one of them names. Entries beyond a position's own are
/// <see cref="Nothing"/> with probability 0.
/// </summary>
/// <param name="At_n">Flat student positions (row · length + t): the hidden state there predicts.</param>
/// <param name="Width">K.</param>
/// <param name="Symbols_nK">Bytes 0…255, or <see cref="Nothing"/>.</param>
/// <param name="Probabilities_nK">The teacher's, of those bytes.</param>
/// <param name="End_n">The teacher's probability of the end.</param>
/// <param name="Rest_n">Of all other bytes together.</param>
internal sealed record ByteTables(long[] At_n, int Width, short[] Symbols_nK, float[] Probabilities_nK, float[] End_n, float[] Rest_n)
{
    public const short Nothing = -1;

    /// <summary>n.</summary>
    public int Count => At_n.Length;

    /// <param name="examples">[B] rows; those whose teacher has no bytes give nothing.</param>
    /// <param name="length">T.</param>
    public static ByteTables From(IReadOnlyList<Example> examples, int length)
    {
        var at = new List<long>();
        var rows = new List<(TeacherBytes Bytes, int Row)>();
        for (int b = 0; b < examples.Count; b++)
        {
            if (examples[b].Teacher?.Bytes is not { } bytes)
                continue;
            TokenSequence student = examples[b].Student;
            for (int t = 0; t + 1 < student.Count; t++)
            {
                int row = student.ByteEnds[t];
                if (!Predicts(student, t + 1, row) || !bytes.Has(row))
                    continue;
                at.Add((long)b * length + t);
                rows.Add((bytes, row));
            }
        }
        int width = rows.Count == 0 ? 0 : rows.Max(r => r.Bytes.Starts[r.Row + 1] - r.Bytes.Starts[r.Row]);
        var tables = new ByteTables(
            [.. at], width, new short[rows.Count * width], new float[rows.Count * width], new float[rows.Count], new float[rows.Count]);
        tables.Symbols_nK.AsSpan().Fill(Nothing);
        for (int n = 0; n < rows.Count; n++)
            tables.Fill(n, rows[n].Bytes, rows[n].Row);
        return tables;
    }

    // The next token is a byte of text that counts, or the mark that ends the text.
    private static bool Predicts(TokenSequence student, int next, int from)
        => student.Counts(next) && (student.Unit(next) switch
        {
            UnitLabels.Text => student.ByteEnds[next] == from + 1,
            UnitLabels.Eos => true,
            _ => false,
        });

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
