using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Language;

/// <summary>A prompt's ids, and the text of what is generated after it.</summary>
internal sealed class Continuation
{
    private const int LeastEnd = 16;

    private readonly TextTokenizer _tokenizer;
    private readonly int[] _end;
    private readonly string _endText;
    private string? _wholeText;

    /// <param name="tokenizer">Of the model.</param>
    /// <param name="prompt">Text; marks in it are read as such.</param>
    public Continuation(TextTokenizer tokenizer, string prompt)
        : this(tokenizer, Encode(tokenizer, prompt))
    {
    }

    /// <param name="tokenizer">Of the model.</param>
    /// <param name="prompt">Ids as the model gets them.</param>
    public Continuation(TextTokenizer tokenizer, IReadOnlyList<int> prompt)
    {
        (_tokenizer, Prompt) = (tokenizer, prompt);
        (_end, _endText) = EndOf(tokenizer, prompt);
    }

    public IReadOnlyList<int> Prompt { get; }

    /// <summary>A prompt's ids, the first mark in front where there is one.</summary>
    /// <param name="tokenizer">Of the model.</param>
    /// <param name="prompt">Text; marks in it are read as such.</param>
    public static List<int> Encode(TextTokenizer tokenizer, string prompt)
    {
        List<int> ids = tokenizer.EncodePlain(prompt);
        // As documents begin in training. A prompt rendered by a chat template has the mark already; a model without one begins an
        // empty prompt after the end of another text.
        int? mark = tokenizer.BosId ?? (ids.Count == 0 ? tokenizer.EosId : null);
        if (mark is { } first && (ids.Count == 0 || ids[0] != first))
            ids.Insert(0, first);
        return ids;
    }

    /// <summary>Text of new ids. Decoded behind the prompt: some decoders drop a space in front of their first token.</summary>
    public string Decode(IReadOnlyList<int> ids) => Decode(ids, _end, _endText);

    /// <summary>As <see cref="Decode(IReadOnlyList{int})"/>, behind other tokens that spell the prompt or go on past it.</summary>
    public string DecodeWhole(IReadOnlyList<int> ids, IReadOnlyList<int> before)
        => Decode(ids, before, _wholeText ??= _tokenizer.Decode([.. Prompt], skipSpecialTokens: true));

    private string Decode(IReadOnlyList<int> ids, IReadOnlyList<int> before, string text)
    {
        string whole = _tokenizer.Decode([.. before, .. ids], skipSpecialTokens: true);
        return whole.StartsWith(text, StringComparison.Ordinal) ? whole[text.Length..] : _tokenizer.Decode([.. ids], skipSpecialTokens: true);
    }

    // A long prompt's last tokens do as well as all of it where they show as text, which marks do not, and have no character in parts: a run of
    // tokens for single bytes is read as one.
    private static (int[] Ids, string Text) EndOf(TextTokenizer tokenizer, IReadOnlyList<int> prompt)
    {
        for (int length = LeastEnd; ; length *= 2)
        {
            int[] end = [.. prompt.Skip(prompt.Count - length)];
            string text = tokenizer.Decode(end, skipSpecialTokens: true);
            if (length >= prompt.Count || (!string.IsNullOrWhiteSpace(text) && !text.Contains('\uFFFD', StringComparison.Ordinal)))
                return (end, text);
        }
    }
}
