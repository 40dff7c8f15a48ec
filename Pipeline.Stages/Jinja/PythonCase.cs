using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>
/// Changes the case of letters as Python's strings do. One letter can become several (ß to SS, İ to i̇), some letters have a title case of their own
/// (ǆ to ǅ), and Σ at the end of a word becomes ς (Unicode, section 3.13).
/// </summary>
internal static class PythonCase
{
    private const int CapitalSigma = 0x3A3;

    private static readonly FrozenDictionary<int, string> UpperExceptions = Read(PythonCaseData.Upper);
    private static readonly FrozenDictionary<int, string> TitleExceptions = Read(PythonCaseData.Title);
    private static readonly (int First, int Last)[] OtherLower = ReadRanges(PythonCaseData.OtherLower);
    private static readonly (int First, int Last)[] OtherUpper = ReadRanges(PythonCaseData.OtherUpper);

    public static string Upper(string text) => Map(text, static (runes, i) => Upper(runes[i]));

    public static string Lower(string text) => Map(text, Lower);

    /// <summary>The first letter in title case, the others in lower case.</summary>
    public static string Capitalize(string text) => Map(text, static (runes, i) => i == 0 ? Title(runes[i]) : Lower(runes, i));

    /// <summary>Each letter in title case if no letter with case is directly before it, and else in lower case.</summary>
    public static string Title(string text) => Map(text, static (runes, i) => i > 0 && HasCase(runes[i - 1]) ? Lower(runes, i) : Title(runes[i]));

    public static bool IsLower(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.LowercaseLetter || IsIn(OtherLower, rune);

    public static bool IsUpper(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.UppercaseLetter || IsIn(OtherUpper, rune);

    private static bool HasCase(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter || IsLower(rune) || IsUpper(rune);

    private static bool IsIgnorable(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || (rune.IsBmp && PythonCaseData.WordMarks.Contains((char)rune.Value));

    private static string Map(string text, Func<Rune[], int, string> map)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        StringBuilder mapped = new(text.Length);
        for (int i = 0; i < runes.Length; i++)
            mapped.Append(map(runes, i));
        return mapped.ToString();
    }

    private static string Upper(Rune rune) => UpperExceptions.TryGetValue(rune.Value, out string? upper) ? upper : Rune.ToUpperInvariant(rune).ToString();

    private static string Title(Rune rune) => TitleExceptions.TryGetValue(rune.Value, out string? title) ? title
        : rune.Value is >= 0x10D0 and <= 0x10FF ? rune.ToString()
        : Upper(rune);

    private static string Lower(Rune[] runes, int i) => runes[i].Value switch
    {
        0x130 => "i\u0307",
        CapitalSigma => EndsWord(runes, i) ? "ς" : "σ",
        _ => Rune.ToLowerInvariant(runes[i]).ToString(),
    };

    /// <summary>Whether a letter comes before the sigma and none after it, where characters that do not end words are ignored.</summary>
    private static bool EndsWord(Rune[] runes, int i)
    {
        int before = i - 1, behind = i + 1;
        while (before >= 0 && IsIgnorable(runes[before]))
            before--;
        while (behind < runes.Length && IsIgnorable(runes[behind]))
            behind++;
        return before >= 0 && HasCase(runes[before]) && !(behind < runes.Length && HasCase(runes[behind]));
    }

    private static bool IsIn((int First, int Last)[] ranges, Rune rune) => Array.Exists(ranges, r => rune.Value >= r.First && rune.Value <= r.Last);

    private static FrozenDictionary<int, string> Read(string data) => data.Split(' ').Select(entry => entry.Split('>')).ToFrozenDictionary(
        entry => Hex(entry[0]), entry => string.Concat(entry[1].Split('+').Select(c => char.ConvertFromUtf32(Hex(c)))));

    private static (int First, int Last)[] ReadRanges(string data) => [.. data.Split(' ').Select(r => r.Split('-')).Select(r => (Hex(r[0]), Hex(r[1])))];

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
