using System.Numerics;
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
    private readonly byte[] _order = new byte[256];

    /// <summary>What is kept of a row, and what it took.</summary>
    /// <param name="row">With all its contexts.</param>
    /// <param name="tokens">Of the row.</param>
    public AnsweredBytes Answer(ScoredRow row, TokenSequence tokens) => new(Of(row, tokens.ByteEnds is [.., var last] ? last : 0), row.Contexts, row.LostShare);

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
        int kept = 0;
        while (kept < count && kept < most && held < wanted)
            held += p[_order[kept++]];
        Span<byte> named = _order.AsSpan(0, kept);
        named.Sort();
        foreach (byte value in named)
        {
            _symbols.Add(value);
            _negLog.Add(Negated(p[value] / mass));
        }
        negLogEnd = Negated(p[ByteVocabulary.End] / mass);
        // A difference of float64: what is left of all is nothing when it is not more than their rounding.
        double rest = 1 - (held / mass);
        negLogRest = Negated(rest > Rounding ? rest : 0);
    }

    // The bytes that may have to be named, likeliest first: all that are below hold less than what need not be, together.
    private int Candidates(ReadOnlySpan<double> p, double mass)
    {
        double least = (1 - share) * mass / 256;
        var bound = new Vector<double>(least);
        int count = 0;
        for (int from = 0; from < 256; from += Vector<double>.Count)
        {
            if (!Vector.GreaterThanAny(new Vector<double>(p[from..]), bound))
                continue;
            for (int value = from; value < from + Vector<double>.Count; value++)
            {
                if (p[value] <= least)
                    continue;
                int at = count++;
                for (; at > 0 && p[_order[at - 1]] < p[value]; at--)
                    _order[at] = _order[at - 1];
                _order[at] = (byte)value;
            }
        }
        return count;
    }

    private static float Negated(double p) => (float)Math.Max(0, -Math.Log(p));
}
