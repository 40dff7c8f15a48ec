using Pipeline.Contracts.Records;

namespace Pipeline.Stages.NextBytes;

/// <summary>A run of text within a row of tokens. Special tokens, templates, and tokens whose bytes are not known lie between the runs.</summary>
/// <param name="Text">The run's tokens and bytes. It has an end where the row's end-of-text token follows.</param>
/// <param name="Root">The index in the row of the token before the run, or of the run's first token if nothing comes before.</param>
/// <param name="From">How many bytes of the document come before the run.</param>
internal sealed record ByteSegment(ByteText Text, int Root, int From)
{
    /// <summary>The runs of text in a row, in order.</summary>
    /// <param name="tokens">The whole row, with the units of its tokens and their ends in the document's text.</param>
    /// <param name="vocabulary">The vocabulary of the tokens.</param>
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

    // An unknown token spells fewer bytes than it stands for, so that nothing is known about the bytes inside it.
    private static bool IsText(TokenSequence tokens, int index, int before, ByteVocabulary vocabulary)
        => tokens.Unit(index) == UnitLabels.Text && vocabulary.PlaceOf(tokens.Ids[index]) >= 0
            && vocabulary.Tokenizer.ByteView(tokens.Ids[index]).Length is var spelt && spelt > 0 && spelt >= tokens.ByteEnds[index] - before;
}
