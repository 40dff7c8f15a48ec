using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>The named sets of characters that patterns and pre-tokenizers are made of.</summary>
internal static class CharacterSets
{
    private static readonly Lazy<CodePointSet[]> s_categories = new(ReadCategories);
    private static readonly Lazy<int[][]> s_foldings = new(ReadFoldings);
    private static readonly Lazy<Dictionary<string, CodePointSet>> s_names = new(ReadNames);

    // The short names of the general categories, in the order of the enumeration UnicodeCategory.
    private static readonly string[] s_shortNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co",
        "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    public static CodePointSet Space { get; } = CodePointSet.Parse("9-d 20 85 a0 1680 2000-200a 2028-2029 202f 205f 3000");

    public static CodePointSet HexDigits { get; } = CodePointSet.Parse("30-39 41-46 61-66");

    public static CodePointSet NewLine { get; } = CodePointSet.Of('\n');

    public static CodePointSet Digits => Named("Nd");

    /// <summary><c>\w</c> of Oniguruma over UTF-8, outside brackets.</summary>
    public static CodePointSet Word => Named("oniguruma word");

    /// <summary><c>\w</c> of Oniguruma inside brackets.</summary>
    public static CodePointSet BracketWord => Named("oniguruma bracket word");

    /// <summary><c>\w</c> of the crate's other regular expressions, which the pre-tokenizer Whitespace and single_word use.</summary>
    public static CodePointSet PlainWord => Named("plain word");

    /// <summary>The characters that the pre-tokenizer Digits splits.</summary>
    public static CodePointSet Numeric => Named("numeric");

    /// <summary>The characters that the pre-tokenizers Punctuation and BertPreTokenizer take for punctuation.</summary>
    public static CodePointSet Punctuation => Named("punctuation of the crate");

    /// <summary>The characters that the normalizer StripAccents removes.</summary>
    public static CodePointSet CombiningMarks => Named("marks of the crate");

    /// <summary>A general category, a group of categories, or a script. Null if the name is not known.</summary>
    public static CodePointSet? Find(string name)
        => s_names.Value.GetValueOrDefault(name.Replace("_", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));

    /// <summary>The set together with all characters that differ from a member in case only.</summary>
    public static CodePointSet IgnoreCase(CodePointSet set)
    {
        var pairs = new List<(int, int)>();
        foreach (int[] same in s_foldings.Value.Where(same => Array.Exists(same, set.Contains)))
        {
            foreach (int other in same)
                pairs.Add((other, other + 1));
        }
        return CodePointSet.Union(set, CodePointSet.FromPairs(pairs));
    }

    private static CodePointSet Named(string name) => s_names.Value[name];

    private static CodePointSet[] ReadCategories()
    {
        var pairs = new List<(int, int)>[s_shortNames.Length];
        for (int i = 0; i < pairs.Length; i++)
            pairs[i] = [];
        int start = 0;
        var current = CharUnicodeInfo.GetUnicodeCategory(0);
        for (int c = 1; c <= CodePointSet.End; c++)
        {
            UnicodeCategory next = c < CodePointSet.End ? CharUnicodeInfo.GetUnicodeCategory(c) : (UnicodeCategory)(-1);
            if (next == current)
                continue;
            pairs[(int)current].Add((start, c));
            (start, current) = (c, next);
        }
        return [.. pairs.Select(CodePointSet.FromPairs)];
    }

    // Each an array of characters that differ in case only.
    private static int[][] ReadFoldings()
    {
        var byKey = new Dictionary<int, List<int>>();
        // Other categories have no case, and asking about a million characters takes longer than all else that a tokenizer is loaded with.
        foreach (string category in new[] { "Lu", "Ll", "Lt", "Mn", "Nl", "So" })
        {
            ReadOnlySpan<int> bounds = Named(category).Bounds;
            for (int i = 0; i < bounds.Length; i += 2)
            {
                for (int c = bounds[i]; c < bounds[i + 1]; c++)
                {
                    int key = Rune.ToUpperInvariant(Rune.ToLowerInvariant(new Rune(c))).Value;
                    if (key == c)
                        continue;
                    if (!byKey.TryGetValue(key, out List<int>? same))
                        byKey[key] = same = [key];
                    same.Add(c);
                }
            }
        }
        return [.. byKey.Values.Select(same => same.ToArray())];
    }

    private static Dictionary<string, CodePointSet> ReadNames()
    {
        var names = new Dictionary<string, CodePointSet>(StringComparer.OrdinalIgnoreCase);
        CodePointSet[] categories = s_categories.Value;
        for (int i = 0; i < categories.Length; i++)
            names[s_shortNames[i]] = categories[i];
        foreach (string group in new[] { "L", "M", "N", "Z", "C", "P", "S" })
            names[group] = CodePointSet.Union([.. s_shortNames.Where(n => n[0] == group[0]).Select(n => names[n])]);
        names["Letter"] = names["L"];
        names["Mark"] = names["M"];
        names["Number"] = names["N"];
        names["Separator"] = names["Z"];
        names["Other"] = names["C"];
        names["Symbol"] = names["S"];
        names["Punctuation"] = names["Punct"] = names["P"];
        names["Any"] = CodePointSet.All;
        names["Space"] = names["WhiteSpace"] = Space;
        names["Digit"] = names["Nd"];
        foreach ((string script, string ranges) in CharacterData.Scripts)
            names[script] = CodePointSet.Parse(ranges);
        CodePointSet letters = CodePointSet.Union(
            names["L"], names["M"], names["Nd"], names["Nl"], names["Pc"], CodePointSet.Parse(CharacterData.CircledLetters));
        names["oniguruma bracket word"] = letters;
        names["oniguruma word"] = CodePointSet.Union(letters, CodePointSet.Parse(CharacterData.LatinOneNumbers));
        names["plain word"] = CodePointSet.Union(letters, CodePointSet.Parse(CharacterData.JoinControls));
        names["numeric"] = CodePointSet.Union(names["N"], CodePointSet.Parse(CharacterData.LaterNumbers));
        names["punctuation of the crate"] = CodePointSet.Union(
            names["P"], CodePointSet.Parse("21-2f 3a-40 5b-60 7b-7e"), CodePointSet.Parse(CharacterData.PunctuationAdded))
            .Except(CodePointSet.Parse(CharacterData.PunctuationMissing));
        names["marks of the crate"] = CodePointSet.Union(names["M"], CodePointSet.Parse(CharacterData.MarksAdded))
            .Except(CodePointSet.Parse(CharacterData.MarksMissing));
        return names;
    }
}
