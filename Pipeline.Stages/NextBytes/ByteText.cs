using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A text as one tokenizer models it: its tokens, and the bytes they spell, spaces that the tokenizer puts in front of parts of it included.
/// </summary>
/// <param name="Bytes">What the tokens spell.</param>
/// <param name="Ids">The tokens, the mark in front not among them.</param>
/// <param name="Rows">[N + 1] per byte of the text, and for its end, how many of <paramref name="Bytes"/> come before it: put-in spaces are behind.</param>
/// <param name="Mark">The mark in front; null: the first token is what the rest is conditioned on.</param>
/// <param name="HasEnd">Whether the text ends where its bytes do; false where it was cut.</param>
internal sealed record ByteText(byte[] Bytes, int[] Ids, int[] Rows, int? Mark, bool HasEnd = true)
{
    /// <param name="tokens">Tokens of text alone, with the ends of each in the text's UTF-8.</param>
    /// <param name="vocabulary">Whose ids.</param>
    /// <param name="mark">Goes in front.</param>
    /// <param name="hasEnd">Whether the text ends here.</param>
    public static ByteText Of(TokenSequence tokens, ByteVocabulary vocabulary, int? mark, bool hasEnd = true)
    {
        // A space in front is there, and conditioned on, even where nothing comes behind it.
        if (tokens.Count == 0 && vocabulary.HasDummy)
            return new ByteText([(byte)' '], [], [1], mark, hasEnd);
        var bytes = new List<byte>();
        var rows = new int[(tokens.Count == 0 ? 0 : tokens.ByteEnds[^1]) + 1];
        int at = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            ReadOnlySpan<byte> view = vocabulary.Tokenizer.ByteView(tokens.Ids[i]);
            int own = tokens.ByteEnds[i] - at;
            // What the token spells beyond its own bytes is in front of them.
            int putIn = view.Length - own;
            for (int b = 0; b < own; b++)
                rows[at + b] = bytes.Count + putIn + b;
            bytes.AddRange(view);
            at = tokens.ByteEnds[i];
            rows[at] = bytes.Count;
        }
        return new ByteText([.. bytes], tokens.Ids, rows, mark, hasEnd);
    }

    /// <summary>A prompt that goes on: no rows, and no end.</summary>
    /// <param name="ids">As the model gets them.</param>
    /// <param name="vocabulary">Whose ids.</param>
    public static ByteText OfPrompt(IReadOnlyList<int> ids, ByteVocabulary vocabulary)
    {
        int? mark = vocabulary.Tokenizer.IsMark(ids[0]) ? ids[0] : null;
        int[] text = [.. ids.Skip(mark is null ? 0 : 1)];
        var bytes = new List<byte>();
        foreach (int id in text)
            bytes.AddRange(vocabulary.Tokenizer.ByteView(id));
        // A space in front is conditioned on even where nothing comes behind it.
        if (text.Length == 0 && vocabulary.HasDummy)
            bytes.Add((byte)' ');
        return new ByteText([.. bytes], text, [], mark, HasEnd: false);
    }

    /// <param name="text">Well-formed and NFC.</param>
    /// <param name="encoder">Of the vocabulary's tokenizer.</param>
    /// <param name="vocabulary">Whose ids.</param>
    /// <param name="mark">Goes in front.</param>
    /// <param name="hasEnd">Whether the text ends here.</param>
    /// <exception cref="ByteViewException">The tokens do not stand for the text's bytes.</exception>
    public static ByteText Of(string text, TextEncoder encoder, ByteVocabulary vocabulary, int? mark, bool hasEnd = true)
        => Of(encoder.EncodeDocument(text, addBos: false, addEos: false), vocabulary, mark, hasEnd);
}
