using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.AddedTokens;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>
/// Finds tokens that tokenizer.json lacks and that the files next to it declare, as Hugging Face's transformers add them on loading. First come those of
/// <c>added_tokens_decoder</c> in the order of their ids (or of <c>added_tokens.json</c>, if there is no decoder), then bos, eos and the like, then the
/// additional special tokens. A token that the vocabulary has keeps its id, and is cut out of texts from then on. A new token gets the next id.
/// </summary>
internal static class DeclaredTokens
{
    private const string Decoder = "added_tokens_decoder";

    // No new token is made for these. A model that was never trained with such a token would not know where its text ends.
    private static readonly string[] s_trainedMarks = ["bos", "eos", "pad"];

    private static readonly string[] s_otherMarks = ["unk", "sep", "cls", "mask"];

    // The second name is that of transformers 5.
    private static readonly string[] s_lists = ["additional_special_tokens", "extra_special_tokens"];

    // A declared token, and where it is declared. One that must be known is left out if the vocabulary lacks it.
    private readonly record struct Declaration(JsonPlace Place, AddedToken Token, bool MustBeKnown = false);

    /// <summary>The tokens that must be added to <c>added_tokens</c>, with their ids.</summary>
    /// <exception cref="InputException">A file contradicts tokenizer.json, or the model in the folder has no row for a token.</exception>
    public static List<AddedToken> Missing(TokenizerFolder folder, TokenizerDefinition definition)
    {
        try
        {
            return Missing(Declared(folder), folder, definition);
        }
        catch (InvalidOperationException e)
        {
            // A property name with half a surrogate pair cannot be read as text.
            throw new InputException($"tokenizer {folder.File}: a file next to it: {e.Message}", e);
        }
    }

    private static List<AddedToken> Missing(IEnumerable<Declaration> declared, TokenizerFolder folder, TokenizerDefinition definition)
    {
        var known = definition.Added.Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
        HashSet<int>? taken = null;
        var missing = new List<AddedToken>();
        int next = definition.NextId;
        foreach ((JsonPlace place, AddedToken token, bool mustBeKnown) in declared)
        {
            bool isNew = !definition.Model.Tokens.TryGetValue(token.Content, out int own);
            if (token.Content.Length == 0 || (isNew && mustBeKnown) || !known.Add(token.Content))
                continue;
            if (!isNew)
            {
                missing.Add(token with { Id = own });
                continue;
            }
            string found = $"'{token.Content}', which is not in {TokenizerFolder.Main} and would get id {next}";
            if (token.Id >= 0 && token.Id != next)
                throw place.Refuse($"{found}, not {token.Id} as declared", $"write it into added_tokens of {TokenizerFolder.Main}, or delete it");
            taken ??= [.. definition.Model.Tokens.Values, .. definition.Added.Select(t => t.Id)];
            if (!taken.Add(next))
                throw place.Refuse($"{found}, which another token has", $"write it into added_tokens of {TokenizerFolder.Main}, or delete it");
            if (folder.Rows is { } rows && next >= rows)
                throw place.Refuse(found, $"the model in the folder has {rows} rows; give it a row for the token (resize_token_embeddings), or delete the token");
            missing.Add(token with { Id = next++ });
        }
        return missing;
    }

    private static IEnumerable<Declaration> Declared(TokenizerFolder folder)
    {
        JsonPlace? config = folder.Companion(TokenizerFolder.Config);
        JsonPlace? decoder = config is { } read && !read[Decoder].IsNull ? read[Decoder] : null;
        List<Declaration> specials =
        [
            .. Marks(folder, s_trainedMarks, mustBeKnown: true),
            .. Marks(folder, s_otherMarks, mustBeKnown: false),
            .. Lists(config),
            // transformers read this file, like added_tokens.json, only if there is no decoder.
            .. decoder is null ? Lists(folder.Companion(TokenizerFolder.SpecialTokensMap)) : [],
        ];
        HashSet<string> special = [.. specials.Select(s => s.Token.Content)];
        IEnumerable<Declaration> others = decoder is { } table ? ById(table) : Older(folder.Companion(TokenizerFolder.AddedTokens), special);
        return others.Select(o => special.Contains(o.Token.Content) ? o with { Token = Special(o) } : o).OrderBy(o => o.Token.Id).Concat(specials);
    }

    private static AddedToken Special(Declaration declared)
        => declared.Token with { Special = true, Normalized = declared.Token.Normalized && declared.Place.Has("normalized") };

    private static IEnumerable<Declaration> Marks(TokenizerFolder folder, string[] marks, bool mustBeKnown)
        => marks.Select(folder.Mark).Where(p => p is { IsNull: false }).Select(p => new Declaration(p!.Value, Read(p.Value, -1, isSpecial: true), mustBeKnown));

    private static IEnumerable<Declaration> Lists(JsonPlace? file)
    {
        if (file is not { } place)
            yield break;
        foreach (string name in s_lists)
        {
            JsonPlace list = place[name];
            if (list.IsNull)
                continue;
            // In transformers 4, extra tokens are the values of an object; in 5, they are a list.
            IEnumerable<JsonPlace> items = list.Value.ValueKind == JsonValueKind.Object ? list.Value.EnumerateObject().Select(p => list[p.Name]) : list.Items();
            foreach (JsonPlace item in items)
                yield return new Declaration(item, Read(item, -1, isSpecial: true));
        }
    }

    private static IEnumerable<Declaration> ById(JsonPlace decoder)
    {
        if (decoder.Value.ValueKind != JsonValueKind.Object)
            throw decoder.Refuse(decoder.Describe(), "expected an object from ids to tokens");
        return decoder.Value.EnumerateObject().Select(p => new Declaration(decoder[p.Name], Read(decoder[p.Name], Id(decoder, p.Name), isSpecial: false)));
    }

    private static IEnumerable<Declaration> Older(JsonPlace? file, HashSet<string> special)
    {
        if (file is not { } tokens)
            return [];
        if (tokens.Value.ValueKind != JsonValueKind.Object)
            throw tokens.Refuse(tokens.Describe(), "expected an object from tokens to ids");
        return tokens.Value.EnumerateObject().Select(p => new Declaration(
            tokens[p.Name], new AddedToken(tokens[p.Name].Number(0, int.MaxValue), p.Name, false, false, false, !special.Contains(p.Name), special.Contains(p.Name))));
    }

    private static int Id(JsonPlace decoder, string name)
        => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : throw decoder.Refuse($"an object with '{name}'", "expected ids as names");

    /// <summary>Reads a token that is given as text, or as an object with its properties.</summary>
    private static AddedToken Read(JsonPlace place, int id, bool isSpecial)
    {
        if (place.Value.ValueKind != JsonValueKind.Object)
            return new AddedToken(id, place.Text(), false, false, false, Normalized: !isSpecial, isSpecial);
        bool special = isSpecial || place["special"].Flag(absent: false);
        return new AddedToken(
            id,
            place["content"].Text(),
            place["single_word"].Flag(absent: false),
            place["lstrip"].Flag(absent: false),
            place["rstrip"].Flag(absent: false),
            place["normalized"].Flag(absent: !special),
            special);
    }
}
