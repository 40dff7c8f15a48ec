using System.Text.Json;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.GgufExport;

/// <summary>How a tokenizer in the style of SentencePiece writes ▁ for spaces.</summary>
/// <param name="Prefix">Whether a ▁ is inserted in front of a text.</param>
/// <param name="Sparing">Whether it is only inserted in front of a text that does not begin with a space.</param>
/// <param name="FirstOnly">Whether it is only inserted at the start of a text, and not after special tokens inside it.</param>
/// <param name="Splits">Whether text is split before every ▁.</param>
internal sealed record SpaceRule(bool Prefix, bool Sparing = false, bool FirstOnly = false, bool Splits = false);

/// <summary>
/// Parts of a <c>tokenizer.json</c> as they are written there, such as regular expressions and merges. The tables of a loaded tokenizer no longer have
/// them.
/// </summary>
internal sealed class TokenizerText
{
    private const string Visible = "▁";

    /// <summary>Reads the parts from the tokenizer's JSON.</summary>
    public TokenizerText(TextTokenizer tokenizer)
    {
        using JsonDocument document = JsonDocument.Parse(tokenizer.Json);
        JsonElement root = document.RootElement;
        JsonElement? normalizer = Member(root, "normalizer"), pre = Member(root, "pre_tokenizer");
        Normalizer = normalizer is { } n && Steps(n, "normalizers").ToList() is { Count: > 0 } steps ? steps.Count == 1 && Type(steps[0]) == "NFC" ? "NFC" : n.GetRawText() : null;
        PreTokenizer = pre?.GetRawText();
        Patterns = pre is { } p ? ReadPatterns(p) : null;
        Spaces = ReadSpaces(normalizer, pre);
        Merges = Member(root.GetProperty("model"), "merges") is { } merges ? [.. merges.EnumerateArray().Select(Pair).OfType<(string, string)>()] : [];
    }

    /// <summary>"NFC", or the JSON of any other normalizer; null where there is none.</summary>
    public string? Normalizer { get; }

    /// <summary>The JSON of the pre-tokenizer, for messages; null where there is none.</summary>
    public string? PreTokenizer { get; }

    /// <summary>The regular expressions by which text is split, one after another. Null where the pre-tokenizer does something else as well.</summary>
    public IReadOnlyList<string>? Patterns { get; }

    /// <summary>How ▁ is written for spaces; null where spaces are treated in another way.</summary>
    public SpaceRule? Spaces { get; }

    /// <summary>The merges by rank; empty where the model has none.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    private static List<string>? ReadPatterns(JsonElement pre)
    {
        List<string> patterns = [];
        foreach (JsonElement step in Steps(pre, "pretokenizers"))
        {
            switch (Type(step))
            {
                case "Split" when step.GetProperty("behavior").GetString() == "Isolated" && !Flag(step, "invert") && step.GetProperty("pattern").TryGetProperty("Regex", out JsonElement regex):
                    patterns.Add(regex.GetString()!);
                    break;
                case "Digits" when Flag(step, "individual_digits"):
                    patterns.Add(@"\p{N}");
                    break;
                case "ByteLevel" when !Flag(step, "add_prefix_space"):
                    // If the key is absent it is true, as in the first version of the format.
                    if (!step.TryGetProperty("use_regex", out JsonElement uses) || uses.ValueKind != JsonValueKind.False)
                        patterns.Add(PreTokenizerReader.ByteLevelRegex);
                    break;
                default:
                    return null;
            }
        }
        return patterns;
    }

    private static SpaceRule? ReadSpaces(JsonElement? normalizer, JsonElement? pre)
    {
        List<JsonElement> normalizers = [.. normalizer is { } n ? Steps(n, "normalizers") : []], steps = [.. pre is { } p ? Steps(p, "pretokenizers") : []];
        bool prefix = normalizers.Count > 0 && Type(normalizers[0]) == "Prepend" && normalizers[0].GetProperty("prepend").GetString() == Visible;
        bool replaces = normalizers.Count == (prefix ? 2 : 1) && Type(normalizers[^1]) == "Replace" && normalizers[^1].GetProperty("content").GetString() == Visible
            && normalizers[^1].GetProperty("pattern").TryGetProperty("String", out JsonElement space) && space.GetString() == " ";
        // After the replacement no space is left, so that a step that splits at spaces does nothing.
        if (replaces && steps.All(s => Type(s) == "Split" && s.GetProperty("pattern").TryGetProperty("String", out JsonElement cut) && cut.GetString() == " "))
            return new SpaceRule(prefix);
        if (normalizers.Count > 0 || steps.Count != 1 || Type(steps[0]) != "Metaspace" || steps[0].GetProperty("replacement").GetString() != Visible)
            return null;
        PrependScheme scheme = PreTokenizerReader.ReadScheme(new JsonPlace("tokenizer.json", "$.pre_tokenizer", steps[0]));
        bool splits = !steps[0].TryGetProperty("split", out JsonElement flag) || flag.ValueKind != JsonValueKind.False;
        return new SpaceRule(scheme != PrependScheme.Never, scheme != PrependScheme.Never, scheme == PrependScheme.First, splits);
    }

    private static (string, string)? Pair(JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array)
            return (merge[0].GetString()!, merge[1].GetString()!);
        string text = merge.GetString()!;
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        return text.StartsWith("#version", StringComparison.Ordinal) ? null : (text[..space], text[(space + 1)..]);
    }

    private static IEnumerable<JsonElement> Steps(JsonElement step, string list)
        => Type(step) == "Sequence" ? step.GetProperty(list).EnumerateArray().SelectMany(inner => Steps(inner, list)) : [step];

    private static string? Type(JsonElement step) => step.GetProperty("type").GetString();

    private static bool Flag(JsonElement step, string name) => step.TryGetProperty(name, out JsonElement flag) && flag.ValueKind == JsonValueKind.True;

    private static JsonElement? Member(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
