using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Bpe;
using Pipeline.Stages.Tokenization.Gguf;

namespace Pipeline.Stages.GgufExport;

/// <summary>
/// Writes a tokenizer as metadata. A tokenizer that llama.cpp would not reproduce is refused. If only some texts get other ids, that becomes a remark.
/// </summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="rows">The number of rows of the model's embeddings. Rows without a token get a name of their own.</param>
/// <param name="remarks">Gets remarks for the user.</param>
internal sealed class TokenizerMetadata(TextTokenizer tokenizer, int rows, List<string> remarks)
{
    /// <summary>The score of a token that no merge makes, where llama.cpp merges by scores. It is below every other score.</summary>
    private const float NoMerge = -1e9f;

    private readonly TokenizerText _text = new(tokenizer);

    /// <summary>Writes the tokenizer, and a chat template if there is one.</summary>
    /// <exception cref="InputException">GGUF cannot express the tokenizer.</exception>
    public void Write(GgufWriter writer, string? chatTemplate)
    {
        if (tokenizer.VocabularySize > rows)
            throw Refuse($"it has {tokenizer.VocabularySize} tokens, but the model has {rows} rows");
        if (tokenizer.Definition.Model is not BpeModel { Plain: true } model)
            throw Refuse("it is not BPE, or BPE that marks the parts of words (and for Unigram, llama.cpp computes something else)");
        bool isByteLevel = model.OnBytes;
        if (!isByteLevel && !model.ByteFallback)
            throw Refuse("it is not byte-level and has no tokens for bytes");
        (string[] tokens, int[] types) = Tokens(model);
        writer.Set(GgufKeys.Model, isByteLevel ? GgufKeys.ByteLevel : GgufKeys.SentencePiece);
        writer.Set(GgufKeys.Pre, isByteLevel ? PreTokenizerName(model) : "default");
        writer.Set(GgufKeys.Tokens, tokens);
        writer.Set(GgufKeys.Types, types);
        if (isByteLevel)
            writer.Set(GgufKeys.Merges, [.. _text.Merges.Select(m => $"{m.Left} {m.Right}")]);
        else
            WriteSentencePiece(writer, tokens, types);
        WriteMarks(writer, model);
        if (chatTemplate is not null)
            writer.Set(GgufKeys.ChatTemplate, chatTemplate);
        int stripping = tokenizer.Definition.Added.Count(t => t.LeftStrip || t.RightStrip || t.SingleWord);
        if (stripping > 0)
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"{stripping} added tokens absorb white space around them or match only whole words (lstrip, rstrip, single_word); llama.cpp does not support that, so texts with them get other ids"));
    }

    private (string[] Tokens, int[] Types) Tokens(BpeModel model)
    {
        var tokens = new string[rows];
        var types = new int[rows];
        Dictionary<int, AddedToken> added = tokenizer.Definition.Added.ToDictionary(t => t.Id);
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int id = 0; id < rows; id++)
        {
            tokens[id] = tokenizer.TokenOf(id) ?? $"[PAD{id}]";
            types[id] = tokenizer.TokenOf(id) is null ? GgufKeys.Unused
                : id == model.Unknown ? GgufKeys.UnknownType
                : added.TryGetValue(id, out AddedToken? token) ? token.Special ? GgufKeys.Control : GgufKeys.UserDefined
                : tokenizer.IsByteFallback(id) ? GgufKeys.Byte : GgufKeys.Normal;
            if (!seen.Add(tokens[id]))
                throw Refuse($"two of its tokens are '{tokens[id]}' (the second has id {id}), which makes llama.cpp abort");
        }
        return (tokens, types);
    }

    private string PreTokenizerName(BpeModel model)
    {
        if (_text.Normalizer is { } normalizer)
        {
            if (normalizer != "NFC")
                throw Refuse($"its normalizer is {normalizer}, but llama.cpp has none");
            remarks.Add("llama.cpp does not apply its normalizer NFC: text that is not NFC gets other ids there");
        }
        // Without merges, every way to split text gives the same ids. With this name, llama.cpp neither adds to the text nor removes anything.
        if (_text.Merges.Count == 0)
            return "qwen2";
        if (_text.Patterns is not { } patterns)
            throw Refuse($"llama.cpp has no pre-tokenizer like {_text.PreTokenizer}");
        PreTokenizer pre = PreTokenizers.OfPatterns(patterns) ?? throw Refuse($"llama.cpp has no pre-tokenizer for the pattern(s) {string.Join(" then ", patterns)}");
        IReadOnlyList<string> names = model.Options.IgnoreMerges ? pre.Ignoring : pre.Plain;
        return names.Count > 0 ? names[0] : throw Refuse($"llama.cpp's pre-tokenizers for its pattern work only with ignore_merges {(model.Options.IgnoreMerges ? "false" : "true")}");
    }

    private void WriteSentencePiece(GgufWriter writer, string[] tokens, int[] types)
    {
        SpaceRule rule = _text.Spaces ?? throw Refuse($"its normalizer and pre-tokenizer do something other than write ▁ for spaces: {_text.Normalizer ?? "none"}, {_text.PreTokenizer ?? "none"}");
        if (rule.Sparing)
            remarks.Add($"its tokenizer writes no ▁ before a text that begins with a space{(rule.FirstOnly ? ", nor after special tokens" : "")}; llama.cpp always does, so such texts get other ids there");
        Dictionary<string, int> rank = new(StringComparer.Ordinal);
        HashSet<(string, string)> merges = [];
        string last = "";
        int scattered = 0;
        foreach ((string left, string right) in _text.Merges)
        {
            string whole = left + right;
            if (!rank.TryAdd(whole, rank.Count) && whole != last)
                scattered++;
            merges.Add((left, right));
            last = whole;
        }
        HashSet<string> normal = new(tokens.Where((_, id) => types[id] == GgufKeys.Normal), StringComparer.Ordinal);
        foreach (string token in normal)
        {
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (char.IsLowSurrogate(token[cut]))
                    continue;
                string left = token[..cut], right = token[cut..];
                if (normal.Contains(left) && normal.Contains(right) && !merges.Contains((left, right)))
                    throw Refuse($"'{left}' and '{right}' make the token '{token}' but are not one of its merges; llama.cpp merges by scores of tokens and would merge them");
            }
            if (rule.Splits && token.IndexOf('▁', 1) > 0)
                throw Refuse($"it splits text before every ▁, but its token '{token}' has one inside");
        }
        if (scattered > 0)
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"{scattered} merges make a token that an earlier merge also makes, with others in between; llama.cpp has one score for both, which may matter in rare texts"));
        writer.Set(GgufKeys.Scores, tokens.Select((token, id) => types[id] != GgufKeys.Normal ? 0 : rank.TryGetValue(token, out int at) ? -(at + 1f) : NoMerge).ToArray());
        writer.Set(GgufKeys.SpacePrefix, rule.Prefix);
    }

    private void WriteMarks(GgufWriter writer, BpeModel model)
    {
        foreach ((string key, int? id) in new[] { (GgufKeys.Bos, tokenizer.BosId), (GgufKeys.Eos, tokenizer.EosId), (GgufKeys.Pad, tokenizer.PadId), (GgufKeys.Unknown, model.Unknown >= 0 ? model.Unknown : null) })
        {
            if (id is { } known)
                writer.Set(key, known);
        }
        IReadOnlyList<int> before = tokenizer.Definition.Frame.Before, after = tokenizer.Definition.Frame.After;
        bool addsBos = before.Count == 1 && before[0] == tokenizer.BosId, addsEos = after.Count == 1 && after[0] == tokenizer.EosId;
        if ((before.Count > 0 && !addsBos) || (after.Count > 0 && !addsEos))
            remarks.Add("its template puts other tokens around a text than one bos and one eos; llama.cpp puts none there");
        // These are always written, because with some names of pre-tokenizers llama.cpp has other defaults.
        writer.Set(GgufKeys.AddBos, addsBos);
        writer.Set(GgufKeys.AddEos, addsEos);
    }

    private static InputException Refuse(string what) => new($"GGUF cannot express this tokenizer: {what}");
}
