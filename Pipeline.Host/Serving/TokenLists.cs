using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Stages.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary>Tokens and their log-probabilities as completions list them.</summary>
internal sealed class TokenLists(TextTokenizer tokenizer, Listing listing)
{
    private readonly JsonArray _tokens = [];
    private readonly JsonArray _values = [];
    private readonly JsonArray _top = [];
    private readonly JsonArray _offsets = [];
    private int _offset;

    /// <summary>One more token; NaN: the first, which nothing comes before.</summary>
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
        // By name, and two names may be the same: the more likely one stays, unless the other is the actual token. Its number is the same in both lists.
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

    /// <summary>As vLLM lists a prompt's places: by id the most likely tokens and the token itself.</summary>
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

    // JSON has no infinity.
    private static double Value(double logP) => Math.Max(logP, -9999);

    private string Named(int id) => listing.NamesIds ? $"token_id:{Key(id)}" : ServedTokenText.Of(tokenizer, id);
}
