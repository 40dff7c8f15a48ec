namespace Pipeline.Contracts.Records;

/// <summary>
/// The teacher's distribution over the next byte after each of the first 0…N bytes of a text of N bytes of UTF-8, or over its end: N + 1 rows.
/// A row has its most likely bytes, the end, and everything else as one number. It depends on bytes only: a student with any tokenizer can
/// learn from it. Negative natural logarithms; the impossible is <see cref="float.PositiveInfinity"/>.
/// </summary>
/// <param name="Starts">[N + 2]: row k's bytes are entries Starts[k] up to but not including Starts[k + 1].</param>
/// <param name="Symbols">[entries] the bytes that a row names, ascending within the row.</param>
/// <param name="NegLogProbabilities">[entries] -log p(byte | the first k bytes).</param>
/// <param name="NegLogEnd">[N + 1] -log p(the text ends here).</param>
/// <param name="NegLogRest">
/// [N + 1] -log of the probability of all other bytes together. A row that has no condition (a teacher without a bos token, before its first
/// token ends; the end of a text that was cut) names no byte, has an impossible end and a rest of 0: everything is in the rest, and nothing is
/// learnt from it.
/// </param>
public sealed record TeacherBytes(int[] Starts, byte[] Symbols, float[] NegLogProbabilities, float[] NegLogEnd, float[] NegLogRest)
{
    /// <summary>N + 1.</summary>
    public int Rows => NegLogEnd.Length;

    /// <summary>Whether the row says anything.</summary>
    public bool Has(int row) => Starts[row + 1] > Starts[row] || !float.IsPositiveInfinity(NegLogEnd[row]);

    /// <summary>Throws when the lengths disagree: a bug in the stage that made it.</summary>
    /// <param name="bytes">N.</param>
    public void Validate(int bytes)
    {
        if (NegLogEnd.Length != bytes + 1 || NegLogRest.Length != bytes + 1 || Starts.Length != bytes + 2
            || Starts[0] != 0 || Starts[^1] != Symbols.Length || NegLogProbabilities.Length != Symbols.Length)
        {
            throw new InvalidOperationException(
                $"bytes of a teacher: {NegLogEnd.Length} ends, {NegLogRest.Length} rests, {Starts.Length} starts, {Symbols.Length} symbols, "
                + $"{NegLogProbabilities.Length} probabilities for a text of {bytes} bytes; they must agree");
        }
        for (int row = 0; row < Rows; row++)
        {
            if (Starts[row + 1] < Starts[row])
                throw new InvalidOperationException($"bytes of a teacher: row {row} ends before it starts");
            for (int i = Starts[row] + 1; i < Starts[row + 1]; i++)
            {
                if (Symbols[i] <= Symbols[i - 1])
                    throw new InvalidOperationException($"bytes of a teacher: row {row} names byte {Symbols[i]} after {Symbols[i - 1]}");
            }
        }
    }
}
