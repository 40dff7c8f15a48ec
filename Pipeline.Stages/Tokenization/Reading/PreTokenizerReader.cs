using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads the <c>pre_tokenizer</c> of a tokenizer.json.</summary>
internal static class PreTokenizerReader
{
    /// <summary>The regular expression by which ByteLevel splits, unless it has use_regex set to false.</summary>
    public const string ByteLevelRegex = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Supported = "Sequence, Split, ByteLevel, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, "
        + "BertPreTokenizer and CharDelimiterSplit are supported";

    /// <summary>Reads the steps of the pre-tokenizer.</summary>
    /// <param name="place">The value of <c>pre_tokenizer</c>.</param>
    /// <param name="mayBeBytes">Whether the model can work on bytes.</param>
    /// <param name="onBytes">
    /// Whether the model should work on the UTF-8 of the pieces: the last step would have spelt them in the byte alphabet, and is left out instead.
    /// </param>
    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static List<PreTokenizerStep> Read(JsonPlace place, bool mayBeBytes, out bool onBytes)
    {
        var steps = new List<PreTokenizerStep>();
        if (!place.IsNull)
            Read(place, steps);
        onBytes = mayBeBytes && steps.Count > 0 && steps[^1] is ByteCharactersStep;
        if (onBytes)
            steps.RemoveAt(steps.Count - 1);
        return steps;
    }

    private static void Read(JsonPlace place, List<PreTokenizerStep> steps)
    {
        string type = place["type"].Text();
        switch (type)
        {
            case "Sequence":
                foreach (JsonPlace item in place["pretokenizers"].Items())
                    Read(item, steps);
                break;
            case "Split":
                steps.Add(new SplitStep(PatternReader.Read(place["pattern"]), ReadBehavior(place["behavior"]), place["invert"].Flag()));
                break;
            case "ByteLevel":
                if (place["add_prefix_space"].Flag())
                    steps.Add(new PrefixSpaceStep());
                if (place["use_regex"].Flag(absent: true))
                    steps.Add(new SplitStep(PatternMatcher.Compile(ByteLevelRegex), SplitBehavior.Isolated, invert: false));
                steps.Add(new ByteCharactersStep());
                break;
            case "Metaspace":
                steps.Add(ReadMetaspace(place));
                break;
            case "Digits":
                SplitBehavior digits = place["individual_digits"].Flag() ? SplitBehavior.Isolated : SplitBehavior.Contiguous;
                steps.Add(new SplitStep(PatternMatcher.OfSet(CharacterSets.Numeric), digits, invert: false));
                break;
            case "Punctuation":
                SplitBehavior behavior = place["behavior"].IsNull ? SplitBehavior.Isolated : ReadBehavior(place["behavior"]);
                steps.Add(new SplitStep(PatternMatcher.OfSet(CharacterSets.Punctuation), behavior, invert: false));
                break;
            case "Whitespace":
                steps.Add(new SplitStep(PatternMatcher.Compile(Words()), SplitBehavior.Removed, invert: true));
                break;
            case "WhitespaceSplit":
                steps.Add(new SplitStep(PatternMatcher.OfSet(CharacterSets.Space), SplitBehavior.Removed, invert: false));
                break;
            case "BertPreTokenizer":
                steps.Add(new SplitStep(PatternMatcher.OfSet(CharacterSets.Space), SplitBehavior.Removed, invert: false));
                steps.Add(new SplitStep(PatternMatcher.OfSet(CharacterSets.Punctuation), SplitBehavior.Isolated, invert: false));
                break;
            case "CharDelimiterSplit" or "Delimiter":
                var delimiter = CodePointSet.Of(place["delimiter"].Character());
                steps.Add(new SplitStep(PatternMatcher.OfSet(delimiter), SplitBehavior.Removed, invert: false));
                break;
            default:
                throw place["type"].Refuse($"'{type}'", Supported);
        }
    }

    /// <summary>Matches runs of word characters, and runs of characters that are neither word characters nor white space.</summary>
    private static PatternNode.Alternatives Words()
    {
        CodePointSet other = CodePointSet.Union(CharacterSets.PlainWord, CharacterSets.Space).Complement();
        return new PatternNode.Alternatives(
        [
            new PatternNode.Repeat(new PatternNode.Class(CharacterSets.PlainWord), 1, null, RepeatMode.Greedy),
            new PatternNode.Repeat(new PatternNode.Class(other), 1, null, RepeatMode.Greedy),
        ]);
    }

    private static MetaspaceStep ReadMetaspace(JsonPlace place)
        => new(place["replacement"].Character(), ReadScheme(place), place["split"].Flag(absent: true));

    /// <summary>The scheme of a Metaspace pre-tokenizer or decoder, in today's form or as the older <c>add_prefix_space</c>.</summary>
    public static PrependScheme ReadScheme(JsonPlace place)
    {
        JsonPlace scheme = place["prepend_scheme"];
        PrependScheme said = (scheme.IsNull ? "always" : scheme.Text()) switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw scheme.Refuse(scheme.Describe(), "always, first and never are supported"),
        };
        JsonPlace older = place["add_prefix_space"];
        if (older.IsNull || older.Flag())
            return said;
        if (said != PrependScheme.Never && !scheme.IsNull)
            throw older.Refuse("false", $"it contradicts prepend_scheme {scheme.Describe()}");
        // Without a scheme, the crate refuses false. Older files mean "never" by it.
        return PrependScheme.Never;
    }

    private static SplitBehavior ReadBehavior(JsonPlace place) => place.Text() switch
    {
        "Removed" => SplitBehavior.Removed,
        "Isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" => SplitBehavior.MergedWithNext,
        "Contiguous" => SplitBehavior.Contiguous,
        _ => throw place.Refuse(place.Describe(), "Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous are supported"),
    };
}
