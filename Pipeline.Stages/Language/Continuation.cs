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
    /// <param name="prompt">Text; special tokens in it are read as such.</param>
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

    /// <summary>A prompt's ids, the bos token in front where there is one.</summary>
    /// <param name="tokenizer">Of the model.</param>
    /// <param name="prompt">Text; special tokens in it are read as such.</param>
    public static List<int> Encode(TextTokenizer tokenizer, string prompt)
    {
        List<int> ids = tokenizer.EncodePlain(prompt);
        // As documents begin in training. A prompt rendered by a chat template has the bos token already; a model without one begins an
        // empty prompt after the end of another text.
        int? mark = tokenizer.BosId ?? (ids.Count == 0 ? tokenizer.EosId : null);
        if (mark is { } first && (ids.Count == 0 || ids[0] != first))
            ids.Insert(0, first);
        return ids;
    }

    /// <summary>Text of new ids. Decoded after the prompt, because some decoders drop a space in front of their first token.</summary>
    public string Decode(IReadOnlyList<int> ids) => Decode(ids, _end, _endText);

    /// <summary>As <see cref="Decode(IReadOnlyList{int})"/>, after other tokens that spell the prompt or go beyond it.</summary>
    public string DecodeWhole(IReadOnlyList<int> ids, IReadOnlyList<int> before)
        => Decode(ids, before, _wholeText ??= _tokenizer.Decode([.. Prompt], skipSpecialTokens: true));

    private string Decode(IReadOnlyList<int> ids, IReadOnlyList<int> before, string text)
    {
        string whole = _tokenizer.Decode([.. before, .. ids], skipSpecialTokens: true);
        return whole.StartsWith(text, StringComparison.Ordinal) ? whole[text.Length..] : _tokenizer.Decode([.. ids], skipSpecialTokens: true);
    }

    // A long prompt's last tokens do as well as all of it if they appear as text, which special tokens do not, and split no character: a run of
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
