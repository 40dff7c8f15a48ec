using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.NextBytes;

/// <summary>What is kept of distributions over the next byte: at each beginning of a document the likeliest bytes, the end, and the rest as one number.</summary>
/// <param name="most">Bytes named at one position, at most.</param>
/// <param name="share">They are named until they and the end hold this share.</param>
internal sealed class KeptBytes(int most, double share)
{
    private const double Rounding = 1e-14;

    private readonly List<byte> _symbols = [];
    private readonly List<float> _negLog = [];

    // Zeros behind the candidates fill the last vector.
    private readonly ulong[] _keys = new ulong[256 + Vector512<ulong>.Count];

    /// <summary>What is kept of a row, and what it took. The row's memory is given back: it cannot be asked any more.</summary>
    /// <param name="row">With all its contexts.</param>
    /// <param name="tokens">Of the row.</param>
    public AnsweredBytes Answer(ScoredRow row, TokenSequence tokens)
    {
        TeacherBytes bytes = Of(row, tokens.ByteEnds is [.., var last] ? last : 0);
        row.Release();
        return new AnsweredBytes(bytes, row.Contexts, row.LostShare);
    }

    /// <param name="row">With all its contexts.</param>
    /// <param name="bytes">N, of the document.</param>
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
            // Behind a part that the text's end does not follow nobody knows what comes: templates, or what was cut off.
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

    // p sums to the mass, and not to 1.
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
        // A difference of float64: what is left of all is nothing when it is not more than their rounding.
        double rest = 1 - (held / mass);
        negLogRest = Negated(rest > Rounding ? rest : 0);
    }

    // The bytes that may have to be named: all that are below hold less than what need not be, together.
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

    // Few of many are named, so they are not sorted: the largest key below the last one, without branches, which nobody could foretell.
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

    // In the order of the probabilities, whose bits are in the order of their values but for the last eight; of equal ones the lower byte is first.
    private static ulong Key(double p, int value) => (BitConverter.DoubleToUInt64Bits(p) & ~255UL) | (byte)(255 - value);

    private static byte Symbol(ulong key) => (byte)(255 - (byte)key);

    private static float Negated(double p) => (float)Math.Max(0, -Math.Log(p));
}
