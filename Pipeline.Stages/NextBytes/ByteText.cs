using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// A text as one tokenizer sees it: its tokens, and the bytes that they spell. These include spaces that the tokenizer inserted. N bytes of the
/// text itself.
/// </summary>
/// <param name="Bytes">What the tokens spell.</param>
/// <param name="Ids">The tokens, without the one in front.</param>
/// <param name="Rows">
/// [N + 1] for each byte of the text, and for its end, how many of <paramref name="Bytes"/> come before it. A space inserted in front of the byte is counted.
/// </param>
/// <param name="Mark">The token in front of the text, such as bos. Null where there is none: everything is then conditioned on the first token.</param>
/// <param name="HasEnd">Whether the text ends after its last byte; false where it was cut.</param>
internal sealed record ByteText(byte[] Bytes, int[] Ids, int[] Rows, int? Mark, bool HasEnd = true)
{
    /// <summary>A text that has been tokenized.</summary>
    /// <param name="tokens">Its tokens, all of them text, and where each ends in the text's UTF-8.</param>
    /// <param name="vocabulary">The vocabulary of the tokens.</param>
    /// <param name="mark">See <see cref="Mark"/>.</param>
    /// <param name="hasEnd">See <see cref="HasEnd"/>.</param>
    public static ByteText Of(TokenSequence tokens, ByteVocabulary vocabulary, int? mark, bool hasEnd = true)
    {
        // The tokenizer would insert a space before whatever comes first, so the space is there although the text is empty.
        if (tokens.Count == 0 && vocabulary.HasDummy)
            return new ByteText([(byte)' '], [], [1], mark, hasEnd);
        var bytes = new List<byte>();
        var rows = new int[(tokens.Count == 0 ? 0 : tokens.ByteEnds[^1]) + 1];
        int at = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            ReadOnlySpan<byte> view = vocabulary.Tokenizer.ByteView(tokens.Ids[i]);
            int own = tokens.ByteEnds[i] - at;
            // What a token spells beyond its bytes of the text was inserted in front of them.
            int inserted = view.Length - own;
            for (int b = 0; b < own; b++)
                rows[at + b] = bytes.Count + inserted + b;
            bytes.AddRange(view);
            at = tokens.ByteEnds[i];
            rows[at] = bytes.Count;
        }
        return new ByteText([.. bytes], tokens.Ids, rows, mark, hasEnd);
    }

    /// <summary>A prompt that is to be continued. It has no rows and no end.</summary>
    /// <param name="ids">The prompt's tokens, with those in front, as the model gets them.</param>
    /// <param name="vocabulary">The vocabulary of the tokens.</param>
    public static ByteText OfPrompt(IReadOnlyList<int> ids, ByteVocabulary vocabulary)
    {
        int? mark = vocabulary.Tokenizer.IsMark(ids[0]) ? ids[0] : null;
        int[] text = [.. ids.Skip(mark is null ? 0 : 1)];
        var bytes = new List<byte>();
        foreach (int id in text)
            bytes.AddRange(vocabulary.Tokenizer.ByteView(id));
        // As above: the space is there although the text is empty.
        if (text.Length == 0 && vocabulary.HasDummy)
            bytes.Add((byte)' ');
        return new ByteText([.. bytes], text, [], mark, HasEnd: false);
    }

    /// <summary>Tokenizes a text.</summary>
    /// <param name="text">A well-formed text in NFC.</param>
    /// <param name="encoder">An encoder of the vocabulary's tokenizer.</param>
    /// <param name="vocabulary">The vocabulary of its tokens.</param>
    /// <param name="mark">See <see cref="Mark"/>.</param>
    /// <param name="hasEnd">See <see cref="HasEnd"/>.</param>
    /// <exception cref="ByteViewException">The tokens do not stand for the text's bytes.</exception>
    public static ByteText Of(string text, TextEncoder encoder, ByteVocabulary vocabulary, int? mark, bool hasEnd = true)
        => Of(encoder.EncodeDocument(text, addBos: false, addEos: false), vocabulary, mark, hasEnd);
}
