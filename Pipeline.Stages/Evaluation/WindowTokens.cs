using Pipeline.Contracts.Records;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>A window under one tokenizer: the tokens that the model reads, and which of them have no score.</summary>
/// <param name="Ids">The tokens. In front is bos, or eos where there is no bos, if the tokenizer has either. Entry 0 has no score.</param>
/// <param name="HasPrefix">Whether entry 0 is bos or eos and not text.</param>
/// <param name="UnscoredBytes">The bytes of entry 0 where it is text.</param>
/// <param name="Offsets">
/// For each entry, the byte of the judged text at which it begins. -1 where nothing is to be compared: for entry 0, which nothing predicts, for tokens of
/// the context, and for a token that spells more than its bytes of the text, because the tokenizer inserted a space. Null where they were not asked for.
/// </param>
/// <param name="Context">How many tokens of text in front are read but not judged.</param>
internal sealed record WindowTokens(int[] Ids, bool HasPrefix, int UnscoredBytes, int[]? Offsets = null, int Context = 0)
{
    /// <summary>How many tokens of text are judged.</summary>
    public int TextTokens => Ids.Length - Context - (HasPrefix ? 1 : 0);

    /// <summary>The first entry that is judged and has a score.</summary>
    public int FirstScored => Math.Max(1, Context + (HasPrefix ? 1 : 0));

    /// <summary>Tokenizes a window.</summary>
    /// <param name="encoder">An encoder of <paramref name="tokenizer"/>.</param>
    /// <param name="tokenizer">The tokenizer, which knows what goes in front.</param>
    /// <param name="text">The judged text, well-formed and in NFC.</param>
    /// <param name="keepOffsets">Whether <see cref="Offsets"/> will be needed.</param>
    /// <param name="before">The context: text before it that is read but not judged.</param>
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

    /// <summary>Where each judged token ends, in bytes of the judged text.</summary>
    /// <param name="encoder">An encoder of the tokenizer.</param>
    /// <param name="window">The window's text.</param>
    public static int[] ByteEnds(TextEncoder encoder, WindowText window)
    {
        int bytes = window.BytesBefore;
        (TokenSequence tokens, int context) = bytes == 0 ? (encoder.EncodeDocument(window.Judged, addBos: false, addEos: false), 0) : Whole(encoder, window.Judged, window.Before, bytes);
        return [.. tokens.ByteEnds.Skip(context).Select(end => end - bytes)];
    }

    // Context and text are tokenized together if a token ends between them, as nearly always before white space. Otherwise each is tokenized by itself,
    // so that the judged bytes are the same for every tokenizer.
    private static (TokenSequence Tokens, int Context) Whole(TextEncoder encoder, string text, string before, int bytes)
    {
        TokenSequence tokens = encoder.EncodeDocument(before + text, addBos: false, addEos: false);
        // The first token that ends there. A token after it without bytes of its own belongs to the judged text.
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
