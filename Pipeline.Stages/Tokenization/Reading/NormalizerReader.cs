using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Normalizing;
using Pipeline.Stages.Tokenization.Patterns;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads the <c>normalizer</c> of a tokenizer.json.</summary>
internal static class NormalizerReader
{
    private const string Supported =
        "NFC, NFD, NFKC, NFKD, Precompiled, Prepend, Replace, Strip, StripAccents, Lowercase, ByteLevel and Sequence are supported";

    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static List<NormalizerStep> Read(JsonPlace place)
    {
        var steps = new List<NormalizerStep>();
        if (!place.IsNull)
            Read(place, steps);
        return steps;
    }

    private static void Read(JsonPlace place, List<NormalizerStep> steps)
    {
        string type = place["type"].Text();
        switch (type)
        {
            case "Sequence":
                foreach (JsonPlace item in place["normalizers"].Items())
                    Read(item, steps);
                break;
            case "NFC": steps.Add(new UnicodeFormStep(NormalizationForm.FormC)); break;
            case "NFD": steps.Add(new UnicodeFormStep(NormalizationForm.FormD)); break;
            case "NFKC": steps.Add(new UnicodeFormStep(NormalizationForm.FormKC)); break;
            case "NFKD": steps.Add(new UnicodeFormStep(NormalizationForm.FormKD)); break;
            case "Prepend": steps.Add(new PrependStep(place["prepend"].Text())); break;
            case "Strip": steps.Add(new StripStep(place["strip_left"].Flag(), place["strip_right"].Flag())); break;
            case "StripAccents": steps.Add(new StripAccentsStep()); break;
            case "Lowercase": steps.Add(new LowercaseStep()); break;
            case "ByteLevel": steps.Add(new ByteCharactersNormalizer()); break;
            case "Precompiled": steps.Add(new CharsMapStep(ReadCharsMap(place["precompiled_charsmap"]))); break;
            case "Replace": steps.Add(ReadReplace(place)); break;
            default: throw place["type"].Refuse($"'{type}'", Supported);
        }
    }

    private static CharsMap ReadCharsMap(JsonPlace place)
    {
        try
        {
            return CharsMap.Parse(Convert.FromBase64String(place.Text()));
        }
        catch (FormatException e)
        {
            throw new InputException($"tokenizer {place.File}: {place.Path} is not a compiled map of characters: {e.Message}", e);
        }
    }

    private static NormalizerStep ReadReplace(JsonPlace place)
    {
        string content = place["content"].Text();
        JsonPlace pattern = place["pattern"];
        if (pattern.Has("String") && pattern["String"].Text() is { Length: 1 } one && content.Length == 1)
            return new ReplaceCharacterStep(one[0], content[0]);
        return new ReplaceStep(PatternReader.Read(pattern), content);
    }
}

/// <summary>Reads a pattern: <c>{"String": ...}</c> or <c>{"Regex": ...}</c>.</summary>
internal static class PatternReader
{
    /// <exception cref="InputException">The pattern is not supported.</exception>
    public static PatternMatcher Read(JsonPlace place)
    {
        if (place.Has("String"))
            return PatternMatcher.Compile(PatternParser.Literal(place["String"].Text()));
        if (!place.Has("Regex"))
            throw place.Refuse(place.Describe(), "expected {\"String\": ...} or {\"Regex\": ...}");
        JsonPlace regex = place["Regex"];
        try
        {
            return PatternMatcher.Compile(regex.Text());
        }
        catch (PatternException e)
        {
            throw new InputException($"tokenizer {regex.File}: {regex.Path} has {e.Message}", e);
        }
    }
}
