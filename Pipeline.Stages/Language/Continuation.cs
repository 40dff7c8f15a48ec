using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Language;

/// <summary>A prompt as token ids, and a way to get the text of what a model generates after it.</summary>
internal sealed class Continuation
{
    private const int LeastEnd = 16;

    private readonly TextTokenizer _tokenizer;
    private readonly int[] _end;
    private readonly string _endText;
    private string? _wholeText;

    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">The prompt's text. Special tokens written in it become those tokens.</param>
    public Continuation(TextTokenizer tokenizer, string prompt)
        : this(tokenizer, Encode(tokenizer, prompt))
    {
    }

    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">The prompt's ids, exactly as the model gets them.</param>
    public Continuation(TextTokenizer tokenizer, IReadOnlyList<int> prompt)
    {
        (_tokenizer, Prompt) = (tokenizer, prompt);
        (_end, _endText) = EndOf(tokenizer, prompt);
    }

    /// <summary>The prompt's ids, exactly as the model gets them.</summary>
    public IReadOnlyList<int> Prompt { get; }

    /// <summary>A prompt's ids. The bos token comes first, if the tokenizer has one.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">The prompt's text. Special tokens written in it become those tokens.</param>
    public static List<int> Encode(TextTokenizer tokenizer, string prompt)
    {
        List<int> ids = tokenizer.EncodePlain(prompt);
        // Documents begin with the bos token in training too. A prompt that a chat template rendered may have it already. A model needs at least one
        // token: without a bos token, an empty prompt is what follows the end of another text.
        int? mark = tokenizer.BosId ?? (ids.Count == 0 ? tokenizer.EosId : null);
        if (mark is { } first && (ids.Count == 0 || ids[0] != first))
            ids.Insert(0, first);
        return ids;
    }

    /// <summary>The text of new tokens. They are decoded together with the end of the prompt, because some decoders drop a space at the very start.</summary>
    public string Decode(IReadOnlyList<int> ids) => Decode(ids, _end, _endText);

    /// <summary>
    /// The text of new tokens that come after other tokens than those of <see cref="Prompt"/>: what all these tokens spell together, without the prompt.
    /// </summary>
    /// <param name="ids">The new tokens.</param>
    /// <param name="before">The tokens before them. They spell the prompt, or more than it.</param>
    public string DecodeWhole(IReadOnlyList<int> ids, IReadOnlyList<int> before)
        => Decode(ids, before, _wholeText ??= _tokenizer.Decode([.. Prompt], skipSpecialTokens: true));

    private string Decode(IReadOnlyList<int> ids, IReadOnlyList<int> before, string text)
    {
        string whole = _tokenizer.Decode([.. before, .. ids], skipSpecialTokens: true);
        return whole.StartsWith(text, StringComparison.Ordinal) ? whole[text.Length..] : _tokenizer.Decode([.. ids], skipSpecialTokens: true);
    }

    // Decoding a long prompt again and again would be slow. Its last tokens do as well, if some of them are visible as text (special tokens are not) and
    // if they do not begin inside a character, whose bytes some tokenizers spread over several tokens.
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
