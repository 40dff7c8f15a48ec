using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads <c>added_tokens</c> of a tokenizer.json.</summary>
internal static class AddedTokenReader
{
    /// <summary>
    /// Reads the added tokens and gives them ids as Hugging Face's crate does. A token that the vocabulary has keeps the vocabulary's id. The others get ids
    /// from the size of the vocabulary on, in the order of the file. Ids that the file declares decide nothing.
    /// </summary>
    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static List<AddedToken> Read(JsonPlace place, TokenModel model)
    {
        var byContent = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        var specials = new HashSet<string>(StringComparer.Ordinal);
        if (place.IsNull)
            return [];
        int next = model.Count;
        foreach (JsonPlace item in place.Items())
        {
            string content = item["content"].Text();
            if (content.Length == 0)
                continue;
            bool known = byContent.TryGetValue(content, out AddedToken? before);
            int id = known ? before!.Id : model.Tokens.TryGetValue(content, out int own) ? own : next++;
            bool special = item["special"].Flag(absent: false);
            if (special)
                specials.Add(content);
            byContent[content] = new AddedToken(
                id,
                content,
                item["single_word"].Flag(absent: false),
                item["lstrip"].Flag(absent: false),
                item["rstrip"].Flag(absent: false),
                item["normalized"].Flag(absent: !special),
                special);
        }
        return [.. byContent.Values.Select(t => t with { Special = specials.Contains(t.Content) }).OrderBy(t => t.Id)];
    }
}
