using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Ensembles;

/// <summary>
/// One or several models of any tokenizers, with exact distributions over the next byte. Those of several models are averaged, byte by byte. To be
/// used on the device's thread.
/// </summary>
internal sealed class ByteSide : IDisposable
{
    private readonly List<Member> _members = [];
    private readonly Averaging _averaging;

    /// <summary>Makes the members' views over bytes.</summary>
    /// <param name="members">The models. They are not disposed here.</param>
    /// <param name="averaging">How several distributions become one.</param>
    public ByteSide(IReadOnlyList<ByteMember> members, Averaging averaging)
    {
        _averaging = averaging;
        try
        {
            foreach (ByteMember member in members)
                _members.Add(new Member(member.View(), member.Model.Tokenizer.CreateEncoder(), member.Mark));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The members' views over bytes. They belong to this object.</summary>
    public IReadOnlyList<NextByteModel> Views => [.. _members.Select(m => m.View)];

    /// <summary>The distributions over the next byte at every byte of some texts.</summary>
    /// <param name="texts">Well-formed texts in NFC. They count as cut, so nothing is said about their ends.</param>
    /// <param name="withLast">Whether there is also a row for what comes after all N bytes of a text.</param>
    /// <returns>
    /// For each text [N · 257] the probabilities of the byte after its first 0 to N − 1 bytes (with the last row, 0 to N); NaN where a member has
    /// nothing to condition on, because no token comes before the text.
    /// </returns>
    /// <exception cref="ByteViewException">A tokenizer's tokens do not spell a text.</exception>
    public IReadOnlyList<double[]> Score(IReadOnlyList<string> texts, bool withLast = false)
    {
        double[][][] each = [.. _members.Select(m => Score(m, texts, withLast))];
        if (each.Length == 1)
            return each[0];
        return [.. texts.Select((_, t) => Average([.. each.Select(rows => rows[t])]))];
    }

    public void Dispose() => _members.ForEach(m => m.View.Dispose());

    private double[] Average(double[][] members)
    {
        var rows = new double[members[0].Length];
        double[][] row = [.. members.Select(_ => new double[ByteVocabulary.Symbols])];
        for (int at = 0; at < rows.Length; at += ByteVocabulary.Symbols)
        {
            for (int m = 0; m < members.Length; m++)
                members[m].AsSpan(at, ByteVocabulary.Symbols).CopyTo(row[m]);
            _averaging.Combine(row, rows.AsSpan(at, ByteVocabulary.Symbols));
        }
        return rows;
    }

    private static double[][] Score(Member member, IReadOnlyList<string> texts, bool withLast)
    {
        ByteText[] cut = [.. texts.Select(t => ByteText.Of(t, member.Encoder, member.View.Vocabulary, member.Mark, hasEnd: false))];
        return [.. member.View.Score(cut, BytesView.Exact).Select(scored => Rows(scored, withLast))];
    }

    private static double[] Rows(ScoredBytes scored, bool withLast)
    {
        var rows = new double[(scored.Text.Rows.Length - (withLast ? 0 : 1)) * ByteVocabulary.Symbols];
        for (int k = 0, at = 0; at < rows.Length; k++, at += ByteVocabulary.Symbols)
            scored.Row(k, rows.AsSpan(at, ByteVocabulary.Symbols));
        return rows;
    }

    private sealed record Member(NextByteModel View, TextEncoder Encoder, int? Mark);
}
