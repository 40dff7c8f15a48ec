using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary>A prompt's ids, and the text of what is generated after it.</summary>
internal sealed class Continuation
{
    private readonly TextTokenizer _tokenizer;
    private readonly string _before;

    public Continuation(TextTokenizer tokenizer, string prompt)
    {
        _tokenizer = tokenizer;
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode(prompt, addSpecialTokens: false, ids);
        // As documents begin in training. A prompt rendered by a chat template has the mark already; a model without one begins an
        // empty prompt after the end of another text.
        int? mark = tokenizer.BosId ?? (ids.Count == 0 ? tokenizer.EosId : null);
        if (mark is { } first && (ids.Count == 0 || ids[0] != first))
            ids.Insert(0, first);
        Prompt = ids;
        _before = tokenizer.Decode(ids.ToArray(), skipSpecialTokens: true);
    }

    public IReadOnlyList<int> Prompt { get; }

    /// <summary>Text of new ids. Decoded behind the prompt: some decoders drop a space in front of their first token.</summary>
    public string Decode(IReadOnlyList<int> ids)
    {
        string whole = _tokenizer.Decode([.. Prompt, .. ids], skipSpecialTokens: true);
        return whole.StartsWith(_before, StringComparison.Ordinal) ? whole[_before.Length..] : _tokenizer.Decode([.. ids], skipSpecialTokens: true);
    }
}
