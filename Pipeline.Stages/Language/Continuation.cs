using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Language;

/// <summary>A prompt's ids, and the text of what is generated after it.</summary>
internal sealed class Continuation
{
    private readonly TextTokenizer _tokenizer;
    private readonly string _before;

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
        _tokenizer = tokenizer;
        Prompt = prompt;
        _before = tokenizer.Decode([.. prompt], skipSpecialTokens: true);
    }

    private static List<int> Encode(TextTokenizer tokenizer, string prompt)
    {
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode(prompt, addSpecialTokens: false, ids);
        // As documents begin in training. A prompt rendered by a chat template has the mark already; a model without one begins an
        // empty prompt after the end of another text.
        int? mark = tokenizer.BosId ?? (ids.Count == 0 ? tokenizer.EosId : null);
        if (mark is { } first && (ids.Count == 0 || ids[0] != first))
            ids.Insert(0, first);
        return ids;
    }

    public IReadOnlyList<int> Prompt { get; }

    /// <summary>Text of new ids. Decoded behind the prompt: some decoders drop a space in front of their first token.</summary>
    public string Decode(IReadOnlyList<int> ids) => DecodeWhole(ids, Prompt);

    /// <summary>As <see cref="Decode"/>, behind other tokens that spell the prompt or go on past it.</summary>
    public string DecodeWhole(IReadOnlyList<int> ids, IReadOnlyList<int> before)
    {
        string whole = _tokenizer.Decode([.. before, .. ids], skipSpecialTokens: true);
        return whole.StartsWith(_before, StringComparison.Ordinal) ? whole[_before.Length..] : _tokenizer.Decode([.. ids], skipSpecialTokens: true);
    }
}
