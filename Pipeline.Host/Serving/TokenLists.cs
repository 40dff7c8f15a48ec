using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Stages.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary>Lists tokens with their log-probabilities, as answers to completions do.</summary>
internal sealed class TokenLists(TextTokenizer tokenizer, Listing listing)
{
    private readonly JsonArray _tokens = [];
    private readonly JsonArray _values = [];
    private readonly JsonArray _top = [];
    private readonly JsonArray _offsets = [];
    private int _offset;

    /// <summary>Adds a token.</summary>
    /// <param name="id">The token.</param>
    /// <param name="logP">Its log-probability. NaN for the first token of a prompt, which has none.</param>
    /// <param name="top">The most likely tokens at its position, the most likely first.</param>
    public void Add(int id, double logP, IReadOnlyList<ListedToken> top)
    {
        if (listing.Top is not { } most)
            return;
        string text = Named(id);
        _tokens.Add(text);
        _offsets.Add(_offset);
        // Special tokens are not part of the text.
        _offset += tokenizer.IsSpecial(id) ? 0 : ServedTokenText.Of(tokenizer, id).Length;
        _values.Add(double.IsNaN(logP) ? null : Value(logP));
        if (double.IsNaN(logP))
        {
            _top.Add(null);
            return;
        }
        // The list has one value for each name, and two tokens may have the same name. The more likely one is kept, unless the other is the token itself,
        // whose value must be the same in both lists.
        var named = new JsonObject();
        foreach (ListedToken token in top.Take(most))
        {
            string name = Named(token.Id);
            if (token.Id != id && (name == text || named.ContainsKey(name)))
                continue;
            named[name] = Value(token.Id == id ? logP : token.LogP);
        }
        _top.Add(named);
    }

    public JsonObject ToJson() => new() { ["tokens"] = _tokens, ["token_logprobs"] = _values, ["top_logprobs"] = listing.Top > 0 ? _top : null, ["text_offset"] = _offsets };

    /// <summary>The positions of a prompt as vLLM lists them: at each one the token itself and the most likely tokens, by id.</summary>
    public static JsonArray Prompt(TextTokenizer tokenizer, IReadOnlyList<ServedPosition> positions, int top)
    {
        var list = new JsonArray();
        foreach (ServedPosition position in positions)
        {
            if (double.IsNaN(position.LogP))
            {
                list.Add(null);
                continue;
            }
            var byId = new JsonObject { [Key(position.Id)] = Listed(tokenizer, position.Id, position.LogP, position.Rank) };
            int rank = 0;
            foreach (ListedToken token in position.Top.Take(top))
            {
                rank++;
                if (token.Id != position.Id)
                    byId[Key(token.Id)] = Listed(tokenizer, token.Id, token.LogP, rank);
            }
            list.Add(byId);
        }
        return list;
    }

    private static JsonObject Listed(TextTokenizer tokenizer, int id, double logP, int rank)
        => new() { ["logprob"] = Value(logP), ["rank"] = rank, ["decoded_token"] = ServedTokenText.Of(tokenizer, id) };

    private static string Key(int id) => id.ToString(CultureInfo.InvariantCulture);

    // JSON has no infinity, so a probability of 0 gets this log-probability.
    private static double Value(double logP) => Math.Max(logP, -9999);

    private string Named(int id) => listing.NamesIds ? $"token_id:{Key(id)}" : ServedTokenText.Of(tokenizer, id);
}
