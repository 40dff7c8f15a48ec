namespace Pipeline.Contracts.Records;

/// <summary>
/// The teacher's distributions over the next byte of a text of N bytes of UTF-8. Row k, of N + 1, is about what follows the first k bytes. It has the
/// most likely bytes, the end of the text, and all other bytes together as one number. Since rows are about bytes and not about tokens, a student with
/// any tokenizer can learn from them. All numbers are negative natural logarithms, and what is impossible is <see cref="float.PositiveInfinity"/>.
/// </summary>
/// <param name="Starts">[N + 2] The bytes of row k are the entries from Starts[k] up to but not including Starts[k + 1].</param>
/// <param name="Symbols">[entries] The bytes that the rows name, ascending within a row.</param>
/// <param name="NegLogProbabilities">[entries] -log p(byte | the first k bytes).</param>
/// <param name="NegLogEnd">[N + 1] -log p(the text ends here).</param>
/// <param name="NegLogRest">
/// [N + 1] -log of the probability of all other bytes together. Some rows have no distribution: those before the end of the first token, if the teacher
/// has no bos token, and the last one of a text that was cut. Such a row names no byte, its end is impossible, and its rest is 0: all of the
/// probability. Nothing is learnt from it.
/// </param>
public sealed record TeacherBytes(int[] Starts, byte[] Symbols, float[] NegLogProbabilities, float[] NegLogEnd, float[] NegLogRest)
{
    /// <summary>N + 1, the number of rows.</summary>
    public int Rows => NegLogEnd.Length;

    /// <summary>Whether a row has a distribution.</summary>
    public bool Has(int row) => Starts[row + 1] > Starts[row] || !float.IsPositiveInfinity(NegLogEnd[row]);

    /// <summary>Checks that the arrays agree with each other and with the text.</summary>
    /// <param name="bytes">N, the number of bytes of the text.</param>
    /// <exception cref="InvalidOperationException">They do not. This is a bug in the stage that made them.</exception>
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
