using Pipeline.Contracts.Records;

namespace Pipeline.Stages.NextBytes;

/// <summary>A run of text tokens of a row: what comes before its first token is a mark, or a token that is more than text.</summary>
/// <param name="Text">Its tokens and bytes; it has an end where the row's end of text follows.</param>
/// <param name="Root">Where in the row the token before it is, or its own first where nothing is before it.</param>
/// <param name="From">Bytes of the document before it.</param>
internal sealed record ByteSegment(ByteText Text, int Root, int From)
{
    /// <summary>The runs of a row, in order.</summary>
    /// <param name="tokens">With marks, templates and their labels; ends are those in the document's text.</param>
    /// <param name="vocabulary">Whose ids.</param>
    public static List<ByteSegment> Of(TokenSequence tokens, ByteVocabulary vocabulary)
    {
        var segments = new List<ByteSegment>();
        for (int i = 0, before = 0; i < tokens.Count;)
        {
            int first = i, from = before;
            while (i < tokens.Count && IsText(tokens, i, before, vocabulary))
                before = tokens.ByteEnds[i++];
            if (i > first)
            {
                bool hasEnd = i < tokens.Count && tokens.Unit(i) == UnitLabels.Eos;
                var part = new TokenSequence(tokens.Ids[first..i], Array.ConvertAll(tokens.ByteEnds[first..i], end => end - from));
                segments.Add(new ByteSegment(ByteText.Of(part, vocabulary, first > 0 ? tokens.Ids[first - 1] : null, hasEnd), Math.Max(0, first - 1), from));
            }
            else
            {
                before = tokens.ByteEnds[i++];
            }
        }
        return segments;
    }

    // A token that spells less than the bytes it stands for (an unknown one) says nothing of what is inside it.
    private static bool IsText(TokenSequence tokens, int index, int before, ByteVocabulary vocabulary)
        => tokens.Unit(index) == UnitLabels.Text && vocabulary.PlaceOf(tokens.Ids[index]) >= 0
            && vocabulary.Tokenizer.ByteView(tokens.Ids[index]).Length is var spelt && spelt > 0 && spelt >= tokens.ByteEnds[index] - before;
}
