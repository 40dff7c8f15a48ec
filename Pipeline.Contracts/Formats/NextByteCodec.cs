using System.Buffers;
using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// Encodes next bytes as two byte strings, rows and symbols, and a list of float16 numbers. A row is a varint: twice the number of bytes that it names,
/// plus one if the text may end there, so that 0 is a row without a distribution. The symbols are the bytes that the rows name. The numbers are those
/// of the symbols, then those of the ends, then one rest for each row that has a distribution.
/// </summary>
internal static class NextByteCodec
{
    /// <summary>
    /// From here on, the rest of a row is read as impossible. Every precision can write this number, while infinity is written as the largest number of
    /// the precision.
    /// </summary>
    public const float Nothing = 62;

    /// <summary>Appends rows and symbols to the buffers.</summary>
    /// <returns>The numbers.</returns>
    public static Half[] Write(TeacherBytes bytes, ScorePrecision precision, IBufferWriter<byte> rows, IBufferWriter<byte> symbols)
    {
        var numbers = new List<Half>(bytes.Symbols.Length + (2 * bytes.Rows));
        numbers.AddRange(bytes.NegLogProbabilities.Select(p => ScoreRounding.Round(p, precision)));
        symbols.Write(bytes.Symbols);
        for (int row = 0; row < bytes.Rows; row++)
        {
            bool mayEnd = !float.IsPositiveInfinity(bytes.NegLogEnd[row]);
            Varint.Write(rows, ((uint)(bytes.Starts[row + 1] - bytes.Starts[row]) << 1) | (mayEnd ? 1u : 0));
            if (mayEnd)
                numbers.Add(ScoreRounding.Round(bytes.NegLogEnd[row], precision));
        }
        for (int row = 0; row < bytes.Rows; row++)
        {
            if (bytes.Has(row))
                numbers.Add(ScoreRounding.Round(bytes.NegLogRest[row], precision));
        }
        return [.. numbers];
    }

    /// <summary>The inverse of <see cref="Write"/>.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="symbols">The symbols.</param>
    /// <param name="numbers">The numbers.</param>
    /// <param name="textBytes">The number of bytes of the document's text.</param>
    /// <exception cref="InvalidDataException">They are not what <see cref="Write"/> writes.</exception>
    public static TeacherBytes Read(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> symbols, Half[] numbers, int textBytes)
    {
        MessagePackBytes.Expect(rows.Length > textBytes, $"each of {textBytes} bytes has a row, and the end");
        int count = textBytes + 1, ends = 0;
        int[] starts = new int[count + 1];
        bool[] mayEnd = new bool[count];
        for (int row = 0; row < count; row++)
        {
            int head = Varint.ReadAtMost(ref rows, (2 * 256) + 1);
            mayEnd[row] = (head & 1) == 1;
            ends += head & 1;
            starts[row + 1] = starts[row] + (head >> 1);
            MessagePackBytes.Expect(starts[row + 1] <= symbols.Length, "each byte that a row names is there");
            for (int i = starts[row] + 1; i < starts[row + 1]; i++)
                MessagePackBytes.Expect(symbols[i] > symbols[i - 1], "a row names its bytes in order");
        }
        MessagePackBytes.Expect(rows.IsEmpty && symbols.Length == starts[^1], "nothing follows the last row");
        float[] end = new float[count], rest = new float[count];
        int next = symbols.Length;
        MessagePackBytes.Expect(numbers.Length >= next + ends, "each byte and end has a number");
        foreach (Half number in numbers)
            MessagePackBytes.Expect(number >= Half.Zero, "a negative logarithm of a probability is not negative");
        for (int row = 0; row < count; row++)
            end[row] = mayEnd[row] ? (float)numbers[next++] : float.PositiveInfinity;
        for (int row = 0; row < count; row++)
        {
            if (!mayEnd[row] && starts[row + 1] == starts[row])
                continue;
            MessagePackBytes.Expect(next < numbers.Length, "each row has a rest");
            rest[row] = (float)numbers[next++] is var number && number >= Nothing ? float.PositiveInfinity : number;
        }
        MessagePackBytes.Expect(next == numbers.Length, "nothing follows the last rest");
        return new TeacherBytes(starts, symbols.ToArray(), Array.ConvertAll(numbers[..symbols.Length], n => (float)n), end, rest);
    }
}
