using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Bpe;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads the <c>model</c> of a tokenizer.json.</summary>
internal static class ModelReader
{
    /// <summary>All ids must be below this number, because tables are as long as the largest id.</summary>
    public const int MaxIds = 1 << 24;

    private static readonly string[] s_members =
    [
        "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
    ];

    /// <summary>Whether characters get a prefix or a suffix. The model then works on characters, not on bytes.</summary>
    public static bool MarksCharacters(JsonPlace model)
        => !string.IsNullOrEmpty(model["continuing_subword_prefix"].TextOrNull()) || !string.IsNullOrEmpty(model["end_of_word_suffix"].TextOrNull());

    /// <exception cref="InputException">The model is neither BPE nor Unigram, or the file says something that is not supported.</exception>
    public static TokenModel Read(JsonPlace model, bool onBytes)
    {
        // The oldest files have no type. Only BPE has merges.
        string type = model["type"].IsNull && model.Has("merges") ? "BPE" : model["type"].Text();
        return type switch
        {
            "BPE" => ReadBpe(model, onBytes),
            "Unigram" => UnigramReader.Read(model, onBytes),
            _ => throw model["type"].Refuse($"'{type}'", "BPE and Unigram are supported; WordPiece and WordLevel are not"),
        };
    }

    private static BpeModel ReadBpe(JsonPlace model, bool onBytes)
    {
        foreach (JsonProperty property in model.Value.EnumerateObject())
        {
            if (!s_members.Contains(property.Name))
                throw model[property.Name].Refuse("not known", $"a BPE model may have {string.Join(", ", s_members)}");
        }
        JsonPlace dropout = model["dropout"];
        if (!dropout.IsNull && !(dropout.Value.ValueKind == JsonValueKind.Number && dropout.Value.GetDouble() == 0))
            throw dropout.Refuse(dropout.Describe(), "only null or 0 is supported: ids must not depend on chance");

        Dictionary<string, int> tokens = ReadVocabulary(model["vocab"]);
        var options = new BpeOptions(
            model["unk_token"].TextOrNull(),
            model["continuing_subword_prefix"].TextOrNull(),
            model["end_of_word_suffix"].TextOrNull(),
            model["fuse_unk"].Flag(absent: false),
            model["byte_fallback"].Flag(absent: false),
            model["ignore_merges"].Flag(absent: false));
        if (options.UnknownToken is { } unknown && !tokens.ContainsKey(unknown))
            throw model["unk_token"].Refuse($"'{unknown}'", "it must be in the vocabulary");
        MergeTable merges = ReadMerges(model["merges"], tokens, options.ContinuingPrefix?.Length ?? 0);
        return new BpeModel(tokens, merges, options, onBytes);
    }

    private static Dictionary<string, int> ReadVocabulary(JsonPlace place)
    {
        if (place.Value.ValueKind != JsonValueKind.Object)
            throw place.Refuse(place.Describe(), "expected an object from token to id");
        var tokens = new Dictionary<string, int>(place.Value.GetRawText().Length / 20, StringComparer.Ordinal);
        int largest = -1;
        foreach (JsonProperty entry in place.Value.EnumerateObject())
        {
            if (entry.Value.ValueKind != JsonValueKind.Number || !entry.Value.TryGetInt32(out int id) || id is < 0 or >= MaxIds)
                throw place.Refuse($"an object with id {entry.Value.GetRawText()}", $"ids from 0 to {MaxIds - 1} are supported");
            tokens[entry.Name] = id;
            largest = Math.Max(largest, id);
        }
        if (largest > (16L * tokens.Count) + 0x10000)
            throw place.Refuse($"{tokens.Count} tokens with an id of {largest}", "ids must not be so sparse");
        return tokens;
    }

    private static MergeTable ReadMerges(JsonPlace place, Dictionary<string, int> tokens, int prefixLength)
    {
        if (place.Value.ValueKind != JsonValueKind.Array)
            throw place.Refuse(place.Describe(), "expected a list of merges");
        var lookup = tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        var table = new MergeTable(place.Value.GetArrayLength());
        Span<char> merged = stackalloc char[256];
        int rank = 0;
        foreach (JsonElement merge in place.Value.EnumerateArray())
        {
            (string whole, int leftEnd, int rightStart) = ReadPair(new JsonPlace(place.File, $"{place.Path}[{rank}]", merge), rank);
            if (leftEnd < 0)
            {
                // A comment line of the older text format. The crate removes these before it counts ranks.
                continue;
            }
            ReadOnlySpan<char> left = whole.AsSpan(0, leftEnd);
            ReadOnlySpan<char> right = whole.AsSpan(rightStart);
            if (!lookup.TryGetValue(left, out int leftId) || !lookup.TryGetValue(right, out int rightId) || right.Length < prefixLength)
                throw Missing(place, rank, whole);
            int length = left.Length + right.Length - prefixLength;
            Span<char> joined = length <= merged.Length ? merged[..length] : new char[length];
            left.CopyTo(joined);
            right[prefixLength..].CopyTo(joined[left.Length..]);
            if (!lookup.TryGetValue(joined, out int mergedId))
                throw Missing(place, rank, whole);
            table.Set(leftId, rightId, rank++, mergedId);
        }
        return table;
    }

    private static InputException Missing(JsonPlace place, int rank, string merge)
        => new($"tokenizer {place.File}: {place.Path} merges '{merge}' at rank {rank}; both parts and their union must be in model.vocab");

    /// <summary>Reads a merge in either form, <c>"a b"</c> or <c>["a", "b"]</c>, as one text. LeftEnd is negative for a comment line.</summary>
    private static (string Whole, int LeftEnd, int RightStart) ReadPair(JsonPlace place, int rank)
    {
        if (place.Value.ValueKind == JsonValueKind.Array)
        {
            if (place.Value.GetArrayLength() != 2)
                throw place.Refuse(place.Describe(), "expected a pair of tokens");
            string left = new JsonPlace(place.File, place.Path, place.Value[0]).Text();
            string right = new JsonPlace(place.File, place.Path, place.Value[1]).Text();
            return (left + right, left.Length, left.Length);
        }
        string text = place.Text();
        if (text.StartsWith("#version", StringComparison.Ordinal))
            return (text, -1, -1);
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0 || text.IndexOf(' ', space + 1) >= 0)
            throw place.Refuse(place.Describe(), $"expected two tokens with one space between them at rank {rank}");
        return (text, space, space + 1);
    }
}
