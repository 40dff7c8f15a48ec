using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Jinja;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Documents;

/// <summary>
/// Tokenizes conversations with one tokenizer or two, each with its own chat template. The ids are those of the rendered prompt, with the special tokens
/// that the template writes and no others. The text of the result is what the turns say, one after the other, as far as every side's template shows
/// it (a template may trim). Everything else in the prompts is template units. Safe on many threads.
/// </summary>
internal sealed class ConversationTokenizer<T>
{
    private readonly IReadOnlyList<ChatSide> _sides;
    private readonly TokenizationRule _rule;
    private readonly MakeRecord<T> _make;
    private readonly IStageMeter _meter;
    private readonly Lazy<ChatTemplate[]> _templates;
    private readonly ConcurrentBag<TextEncoder[]> _encoders = [];

    public ConversationTokenizer(IReadOnlyList<ChatSide> sides, TokenizationRule rule, MakeRecord<T> make, IStageMeter meter)
    {
        _sides = sides;
        _rule = rule;
        _make = make;
        _meter = meter;
        // Runs over plain text need no template. Whether there is one matters only at the first conversation.
        _templates = new Lazy<ChatTemplate[]>(() => [.. sides.Select(s => ChatTemplate.Parse(
            s.Template ?? throw new InputException($"{s.Name} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); conversations need one"),
            s.Name))]);
    }

    /// <summary>Tokenizes a conversation.</summary>
    /// <param name="id">The document's id.</param>
    /// <param name="messages">The turns.</param>
    /// <param name="fields">JSON of an object with <c>tools</c> and <c>documents</c>, or null.</param>
    /// <exception cref="RejectedException">The conversation cannot be used.</exception>
    /// <exception cref="ChatTemplateException">A template fails on the conversation. No template should, so the run counts a failed record.</exception>
    public T Tokenize(DocumentId id, IReadOnlyList<ChatMessage> messages, string? fields = null)
    {
        if (messages.Count is 0 or > TemplateUnits.MostTurns)
            throw new RejectedException(id, messages.Count == 0 ? "no turns" : "too many turns", $"the conversation has {messages.Count} turns");
        Conversation whole = new(messages, fields);
        TextEncoder[] encoders = _encoders.TryTake(out TextEncoder[]? idle) ? idle : [.. _sides.Select(s => s.Tokenizer.CreateEncoder())];
        try
        {
            return Shorten(id, whole, encoders);
        }
        catch (ChatTemplateException e) when (e.IsRefusal)
        {
            throw new RejectedException(id, "the template refuses the conversation", e.Message);
        }
        finally
        {
            _encoders.Add(encoders);
        }
    }

    /// <summary>
    /// Shortens a conversation that is over the limits: it ends after the last turn of the assistant with which it fits. Split does no more than Cut here,
    /// because later turns would be another text without what was said before them.
    /// </summary>
    private T Shorten(DocumentId id, Conversation whole, TextEncoder[] encoders)
    {
        (string text, TokenSequence[] sides) = Encode(id, whole, encoders);
        if (Fits(sides))
            return _make(id, text, sides);
        if (_rule.LongDocuments != LongDocuments.Reject)
        {
            for (int turns = LastThatFits(sides, whole); turns > 0; turns--)
            {
                if (whole.Messages[turns - 1].Role != "assistant")
                    continue;
                (string shorter, TokenSequence[] shorterSides) = Encode(id, whole.Take(turns), encoders);
                if (!Fits(shorterSides))
                    continue;
                _meter.Count("cutDocuments", 1);
                _meter.Count("cutBytes", Encoding.UTF8.GetByteCount(text) - Encoding.UTF8.GetByteCount(shorter));
                return _make(id, shorter, shorterSides);
            }
        }
        throw new RejectedException(id, "longer than the limit", string.Create(
            CultureInfo.InvariantCulture,
            $"{string.Join(" and ", sides.Select(s => s.Count))} tokens where {string.Join(" and ", _rule.Limits)} are allowed, and no earlier end of an assistant turn fits"));
    }

    /// <summary>The number of turns whose ends lie within the limits of every side, but at least one less than all.</summary>
    private int LastThatFits(TokenSequence[] sides, Conversation whole)
    {
        int turns = whole.Messages.Count - 1;
        for (int side = 0; side < sides.Length; side++)
        {
            TokenSequence tokens = sides[side];
            int within = 0;
            for (int i = 0; i < Math.Min(tokens.Count, _rule.Limits[side]); i++)
                within = Math.Max(within, TemplateUnits.EndedTurn(tokens.Unit(i)) + 1);
            // A template that marks no end of a turn sets no limit here. Every number of turns is then tried.
            bool endsAreKnown = Enumerable.Range(0, tokens.Count).Any(i => TemplateUnits.EndedTurn(tokens.Unit(i)) >= 0);
            turns = endsAreKnown ? Math.Min(turns, within) : turns;
        }
        return turns;
    }

    private bool Fits(TokenSequence[] sides) => _rule.Fits(Array.ConvertAll(sides, s => s.Count));

    private (string Text, TokenSequence[] Sides) Encode(DocumentId id, Conversation conversation, TextEncoder[] encoders)
    {
        TracedText[] prompts = [.. _sides.Select((_, i) => Render(i, conversation, false))];
        List<int> shared = SharedContent(id, prompts, conversation);
        RenderedPrompt[] rendered = Array.ConvertAll(prompts, p => RenderedPrompt.Of(p, conversation, shared));
        TokenSequence[] sides = new TokenSequence[_sides.Count];
        for (int side = 0; side < sides.Length; side++)
            sides[side] = Encode(id, side, rendered[side], conversation, encoders[side]);
        string text = SharedText(rendered[0]);
        List<(int Turn, int Start, int End)>[] own = [.. prompts.Select((p, i) => OwnWords.Find(p, conversation, (some, addPrompt) => Render(i, some, addPrompt)))];
        if (LossSpans(id, rendered[0], text, conversation, own.Any(o => o.Count > 0)) is { } counted)
        {
            for (int side = 0; side < sides.Length; side++)
                sides[side] = sides[side] with { LossMask = Mask(sides[side], counted) };
            if (_rule.LossOn is null or LossOn.Assistant)
                CountOwn(sides, rendered, own);
        }
        return (text, sides);
    }

    private TracedText Render(int side, Conversation conversation, bool addGenerationPrompt)
        => _templates.Value[side].Render(conversation, _sides[side].Marks, _rule.TemplateDate, addGenerationPrompt);

    /// <summary>Adds what the assistant writes besides the shared text to the loss masks.</summary>
    private void CountOwn(TokenSequence[] sides, RenderedPrompt[] prompts, List<(int Turn, int Start, int End)>[] own)
    {
        for (int side = 0; side < sides.Length; side++)
        {
            PromptToken[] tokens = PromptTokens.Locate(prompts[side], sides[side].Ids, _sides[side].Tokenizer)!;
            foreach ((_, int start, int end) in own[side])
            {
                for (int i = 0; i < tokens.Length; i++)
                    sides[side].LossMask![i] |= tokens[i].Start >= start && tokens[i].End <= end && tokens[i].End > start;
            }
        }
    }

    private TokenSequence Encode(DocumentId id, int side, RenderedPrompt prompt, Conversation conversation, TextEncoder encoder)
    {
        TextTokenizer tokenizer = _sides[side].Tokenizer;
        List<int> ids = [];
        encoder.Encode(prompt.Text, addSpecialTokens: false, ids);
        PromptToken[] tokens = PromptTokens.Locate(prompt, ids, tokenizer)
            ?? throw new RejectedException(id, "byte views differ from the text", $"the tokens of {_sides[side].Name} do not spell the rendered prompt");
        ushort[] units = TemplateUnits.Label(prompt, tokens, ids, conversation, tokenizer.BosId, tokenizer.EosId);
        return new TokenSequence([.. ids], Array.ConvertAll(tokens, t => prompt.SharedBefore[t.End]), units);
    }

    /// <summary>The numbers of the content characters that every side's prompt shows, in ascending order.</summary>
    private static List<int> SharedContent(DocumentId id, TracedText[] prompts, Conversation conversation)
    {
        List<int> shared = [];
        for (int side = 0; side < prompts.Length; side++)
        {
            List<int> shown = RenderedPrompt.Shown(prompts[side], conversation);
            for (int i = 1; i < shown.Count; i++)
            {
                if (shown[i] <= shown[i - 1])
                    throw new RejectedException(id, "the template reorders the conversation", $"turn {conversation.MessageOf(shown[i])} is rendered again or before an earlier one");
            }
            shared = side == 0 ? shown : Intersection(shared, shown);
        }
        return shared.Count > 0 ? shared : throw new RejectedException(id, "text is empty", "no turn has content that every template renders");
    }

    private static List<int> Intersection(List<int> a, List<int> b)
    {
        List<int> both = new(Math.Min(a.Count, b.Count));
        for (int i = 0, j = 0; i < a.Count && j < b.Count;)
        {
            if (a[i] == b[j])
                both.Add(a[i]);
            (i, j) = (a[i] <= b[j] ? i + 1 : i, b[j] <= a[i] ? j + 1 : j);
        }
        return both;
    }

    /// <summary>The text of the record: the shared content, without anything that templates write.</summary>
    private static string SharedText(RenderedPrompt prompt)
    {
        byte[] text = new byte[prompt.SharedBefore[^1]];
        for (int b = 0; b < prompt.Bytes.Length; b++)
        {
            if (prompt.ContentOf[b] != RenderedPrompt.Nobody)
                text[prompt.SharedBefore[b]] = prompt.Bytes[b];
        }
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>The spans of the text, [start, end) in bytes, that count in the loss, each with its turn. Null if everything counts.</summary>
    private List<(int Turn, int Start, int End)>? LossSpans(DocumentId id, RenderedPrompt prompt, string text, Conversation conversation, bool hasOwnWords)
    {
        LossOn on = _rule.LossOn ?? LossOn.Assistant;
        if (on == LossOn.All)
            return null;
        List<(int Turn, int Start, int End)> turns = [];
        for (int b = 0; b < prompt.Bytes.Length; b++)
        {
            int turn = prompt.ContentOf[b];
            if (turn == RenderedPrompt.Nobody)
                continue;
            if (turns is [.., var last] && last.Turn == turn)
                turns[^1] = last with { End = prompt.SharedBefore[b + 1] };
            else
                turns.Add((turn, prompt.SharedBefore[b], prompt.SharedBefore[b + 1]));
        }
        turns.RemoveAll(t => conversation.Messages[t.Turn].Role != "assistant");
        if (on == LossOn.Marker)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text), marker = Encoding.UTF8.GetBytes(WellFormedText.Normalize(_rule.LossMarker!));
            turns = [.. turns.Select(t => (t, At: bytes.AsSpan(t.Start, t.End - t.Start).IndexOf(marker))).Where(x => x.At >= 0)
                .Select(x => x.t with { Start = x.t.Start + x.At + marker.Length })];
        }
        return turns.Count > 0 || (hasOwnWords && on == LossOn.Assistant)
            ? turns
            : throw new RejectedException(id, on == LossOn.Marker ? "no loss marker" : "nothing counts in the loss",
                on == LossOn.Marker ? $"no assistant turn contains '{_rule.LossMarker}'" : "no assistant turn has content");
    }

    private static bool[] Mask(TokenSequence side, List<(int Turn, int Start, int End)> counted)
    {
        HashSet<int> turns = [.. counted.Select(c => c.Turn)];
        bool[] mask = LossMasks.Of(side, [.. counted.Select(c => (c.Start, c.End))], bytes: -1);
        for (int i = 0; i < mask.Length; i++)
            mask[i] |= turns.Contains(TemplateUnits.EndedTurn(side.Unit(i)));
        return mask;
    }
}
