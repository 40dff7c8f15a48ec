using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A window under one tokenizer: what the model reads, and what of it has no score.</summary>
/// <param name="Ids">With bos, else eos, in front where the tokenizer has one. Entry 0 has no score.</param>
/// <param name="HasPrefix">Whether entry 0 is such a token and not text.</param>
/// <param name="UnscoredBytes">Bytes of text under entry 0 where it is text.</param>
/// <param name="Offsets">
/// Per entry the byte of the window that it begins at; -1 for entry 0, which no prediction is about, and for a token that stands for other
/// bytes than its own (a space that the tokenizer put in front). Null where it was not asked for.
/// </param>
/// <param name="Context">Tokens of text in front that are read and not judged.</param>
internal sealed record WindowTokens(int[] Ids, bool HasPrefix, int UnscoredBytes, int[]? Offsets = null, int Context = 0)
{
    /// <summary>Tokens of text that are judged.</summary>
    public int TextTokens => Ids.Length - Context - (HasPrefix ? 1 : 0);

    /// <summary>The first entry that has a score.</summary>
    public int FirstScored => Math.Max(1, Context + (HasPrefix ? 1 : 0));

    /// <param name="encoder">Of <paramref name="tokenizer"/>.</param>
    /// <param name="tokenizer">Says what goes in front.</param>
    /// <param name="text">Well-formed and NFC.</param>
    /// <param name="keepOffsets">Whether <see cref="Offsets"/> is asked for.</param>
    /// <param name="before">Text before it that is read with it.</param>
    /// <exception cref="ByteViewException">The tokens do not spell the text's bytes.</exception>
    public static WindowTokens Encode(TextEncoder encoder, TextTokenizer tokenizer, string text, bool keepOffsets = false, string before = "")
    {
        if (before.Length > 0) return WithContext(encoder, tokenizer, text, keepOffsets, before);
        TokenSequence tokens = encoder.EncodeDocument(text, addBos: false, addEos: false);
        int? prefix = tokenizer.BosId ?? tokenizer.EosId;
        int[]? offsets = keepOffsets ? OffsetsOf(tokens, tokenizer, prefix is null ? 0 : 1) : null;
        return prefix is { } mark
            ? new WindowTokens([mark, .. tokens.Ids], true, 0, offsets)
            : new WindowTokens(tokens.Ids, false, tokens.Count > 0 ? tokens.ByteEnds[0] : 0, offsets);
    }

    /// <summary>Where each token that is judged ends, in bytes of the judged text.</summary>
    /// <param name="encoder">Of the tokenizer.</param>
    /// <param name="window">As it was encoded.</param>
    public static int[] ByteEnds(TextEncoder encoder, WindowText window)
    {
        int bytes = window.BytesBefore;
        (TokenSequence tokens, int context) = bytes == 0 ? (encoder.EncodeDocument(window.Judged, addBos: false, addEos: false), 0) : Whole(encoder, window.Judged, window.Before, bytes);
        return [.. tokens.ByteEnds.Skip(context).Select(end => end - bytes)];
    }

    // Together where a token ends between the two, as it does nearly always before white space; else each by itself, so that the bytes
    // that are judged are the same for every tokenizer.
    private static (TokenSequence Tokens, int Context) Whole(TextEncoder encoder, string text, string before, int bytes)
    {
        TokenSequence tokens = encoder.EncodeDocument(before + text, addBos: false, addEos: false);
        // The first that ends there: one after it without bytes of its own belongs to what follows.
        int context = Array.IndexOf(tokens.ByteEnds, bytes) + 1;
        if (context > 0)
            return (tokens, context);
        TokenSequence first = encoder.EncodeDocument(before, addBos: false, addEos: false), second = encoder.EncodeDocument(text, addBos: false, addEos: false);
        return (new TokenSequence([.. first.Ids, .. second.Ids], [.. first.ByteEnds, .. second.ByteEnds.Select(e => bytes + e)]), first.Count);
    }

    private static WindowTokens WithContext(TextEncoder encoder, TextTokenizer tokenizer, string text, bool keepOffsets, string before)
    {
        int bytes = System.Text.Encoding.UTF8.GetByteCount(before);
        (TokenSequence tokens, int context) = Whole(encoder, text, before, bytes);
        int[]? mark = (tokenizer.BosId ?? tokenizer.EosId) is { } id ? [id] : null;
        int marks = mark?.Length ?? 0;
        int[]? offsets = keepOffsets ? OffsetsOf(tokens, tokenizer, marks) : null;
        for (int i = 0; i < offsets?.Length; i++)
            offsets[i] = i < marks + context || offsets[i] < 0 ? -1 : offsets[i] - bytes;
        return new WindowTokens([.. mark ?? [], .. tokens.Ids], mark is not null, 0, offsets, context);
    }

    private static int[] OffsetsOf(TokenSequence tokens, TextTokenizer tokenizer, int marks)
    {
        var offsets = new int[marks + tokens.Count];
        offsets.AsSpan().Fill(-1);
        for (int i = 0, start = 0; i < tokens.Count; start = tokens.ByteEnds[i++])
        {
            int bytes = tokens.ByteEnds[i] - start;
            if (marks + i > 0 && bytes > 0 && bytes == tokenizer.ByteView(tokens.Ids[i]).Length)
                offsets[marks + i] = start;
        }
        return offsets;
    }
}
