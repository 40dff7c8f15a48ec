using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Reduces distributions over the next byte to what shards store: after each beginning of a document the most likely bytes, the end, and all
/// other bytes as one number.
/// </summary>
/// <param name="most">The largest number of bytes named at one position.</param>
/// <param name="share">Bytes are named until they and the end have this share of the probability.</param>
internal sealed class KeptBytes(int most, double share)
{
    // What remains of 1 after a subtraction in float64 is nothing where it is smaller than this.
    private const double Rounding = 1e-14;

    private readonly List<byte> _symbols = [];
    private readonly List<float> _negLog = [];

    // Keys of the candidates, with zeros after them that fill the last vector.
    private readonly ulong[] _keys = new ulong[256 + Vector512<ulong>.Count];

    /// <summary>What is kept of a row, and what it cost. This releases the row, which can then not be asked again.</summary>
    /// <param name="row">A row whose contexts have all been added.</param>
    /// <param name="tokens">The row's tokens.</param>
    public AnsweredBytes Answer(ScoredRow row, TokenSequence tokens)
    {
        TeacherBytes bytes = Of(row, tokens.ByteEnds is [.., var last] ? last : 0);
        row.Release();
        return new AnsweredBytes(bytes, row.Contexts, row.LostShare);
    }

    /// <summary>What is kept of a row.</summary>
    /// <param name="row">A row whose contexts have all been added.</param>
    /// <param name="bytes">N, the number of bytes in the document.</param>
    public TeacherBytes Of(ScoredRow row, int bytes)
    {
        _symbols.Clear();
        _negLog.Clear();
        int[] starts = new int[bytes + 2];
        float[] end = new float[bytes + 1], rest = new float[bytes + 1];
        Array.Fill(end, float.PositiveInfinity);
        Span<double> p = stackalloc double[ByteVocabulary.Symbols];
        int done = 0;
        for (int i = 0; i < row.Parts.Count; i++)
        {
            ScoredBytes part = row.Parts[i];
            // Unless the text ends here, there is no row after the part's last byte: a template goes on, or the text was cut.
            int count = part.Text.Rows.Length - (part.Text.HasEnd ? 0 : 1);
            for (int k = 0; k < count; k++)
            {
                int at = part.From + k;
                while (done < at)
                    starts[++done] = _symbols.Count;
                if (!part.HasRow(k))
                    continue;
                part.Law.Sums(part.Text.Rows[k], p, out double mass);
                if (mass > 0)
                    Name(p, mass, ref end[at], ref rest[at]);
            }
        }
        while (done <= bytes)
            starts[++done] = _symbols.Count;
        return new TeacherBytes(starts, [.. _symbols], [.. _negLog], end, rest);
    }

    // Names the bytes of one position. p sums to the mass, not to 1.
    private void Name(ReadOnlySpan<double> p, double mass, ref float negLogEnd, ref float negLogRest)
    {
        int count = Candidates(p, mass);
        double wanted = share * mass, held = p[ByteVocabulary.End];
        Span<ulong> named = [0, 0, 0, 0];
        ulong last = ulong.MaxValue;
        for (int kept = 0; kept < count && kept < most && held < wanted; kept++)
        {
            last = Next(count, last);
            byte symbol = Symbol(last);
            named[symbol >> 6] |= 1UL << (symbol & 63);
            held += p[symbol];
        }
        for (int word = 0; word < named.Length; word++)
        {
            for (ulong left = named[word]; left != 0; left &= left - 1)
            {
                int value = (word << 6) + BitOperations.TrailingZeroCount(left);
                _symbols.Add((byte)value);
                _negLog.Add(Negated(p[value] / mass));
            }
        }
        negLogEnd = Negated(p[ByteVocabulary.End] / mass);
        double rest = 1 - (held / mass);
        negLogRest = Negated(rest > Rounding ? rest : 0);
    }

    // Finds the bytes that may have to be named: those above a limit at which even all 256 together have no more than may stay unnamed.
    private int Candidates(ReadOnlySpan<double> p, double mass)
    {
        Vector512<double> least = Vector512.Create((1 - share) * mass / 256);
        ref double first = ref MemoryMarshal.GetReference(p);
        int count = 0;
        for (int from = 0; from < 256; from += Vector512<double>.Count)
        {
            ulong above = Vector512.GreaterThan(Vector512.LoadUnsafe(ref first, (nuint)from), least).ExtractMostSignificantBits();
            for (; above != 0; above &= above - 1)
            {
                int value = from + BitOperations.TrailingZeroCount(above);
                _keys[count++] = Key(p[value], value);
            }
        }
        Array.Clear(_keys, count, Vector512<ulong>.Count);
        return count;
    }

    // The largest key below the last one. Only a few keys are wanted, so they are not sorted, and a search without branches is never mispredicted.
    private ulong Next(int count, ulong last)
    {
        Vector512<ulong> below = Vector512.Create(last), largest = Vector512<ulong>.Zero;
        ref ulong first = ref MemoryMarshal.GetArrayDataReference(_keys);
        for (nuint at = 0; at < (nuint)count; at += (nuint)Vector512<ulong>.Count)
        {
            Vector512<ulong> keys = Vector512.LoadUnsafe(ref first, at);
            largest = Vector512.Max(largest, Vector512.ConditionalSelect(Vector512.LessThan(keys, below), keys, Vector512<ulong>.Zero));
        }
        Vector256<ulong> four = Vector256.Max(largest.GetLower(), largest.GetUpper());
        Vector128<ulong> two = Vector128.Max(four.GetLower(), four.GetUpper());
        return Math.Max(two[0], two[1]);
    }

    // Positive numbers are in the order of their bits, so a key orders by probability. The byte takes the place of the last eight bits; of equal
    // probabilities, the lower byte has the larger key.
    private static ulong Key(double p, int value) => (BitConverter.DoubleToUInt64Bits(p) & ~255UL) | (byte)(255 - value);

    private static byte Symbol(ulong key) => (byte)(255 - (byte)key);

    private static float Negated(double p) => (float)Math.Max(0, -Math.Log(p));
}
