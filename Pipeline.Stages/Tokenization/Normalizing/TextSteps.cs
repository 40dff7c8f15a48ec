using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>Puts a text in front of every segment.</summary>
internal sealed class PrependStep(string prefix) : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        if (segment.Length == 0 || prefix.Length == 0)
            return;
        segment.BeginRewrite();
        segment.Rewrite(prefix);
        segment.Rewrite(segment.Characters);
        segment.EndRewrite();
        // Byte views allow for one inserted character that stands for a space. With any other prefix they differ from the text, and documents are rejected.
        segment.Dummies += prefix.Length == 1 ? 1 : 0;
    }
}

/// <summary>Replaces each match of a pattern.</summary>
internal sealed class ReplaceStep(PatternMatcher matcher, string content) : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        ReadOnlySpan<char> text = segment.Characters;
        scratch.Match.Reset(text.Length);
        var matches = new MatchWalk(matcher, text, scratch);
        int before = 0;
        bool begun = false;
        while (matches.Next(out int start, out int end))
        {
            if (!begun)
            {
                segment.BeginRewrite();
                begun = true;
                segment.AtStart &= content.Length > 0 || start > 0;
            }
            segment.Rewrite(text[before..start]);
            segment.Rewrite(content);
            before = end;
        }
        if (!begun)
            return;
        segment.Rewrite(text[before..]);
        segment.EndRewrite();
    }
}

/// <summary>Replaces one character by another, which is what most conversions of SentencePiece models do with the space.</summary>
internal sealed class ReplaceCharacterStep(char from, char to) : NormalizerStep
{
    public char From => from;

    public char To => to;

    public override void Apply(SegmentText segment, SplitScratch scratch) => segment.Characters.Replace(from, to);
}

/// <summary>Removes the white space at the ends of every segment.</summary>
internal sealed class StripStep(bool left, bool right) : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        ReadOnlySpan<char> text = segment.Characters;
        ReadOnlySpan<char> stripped = left ? text.TrimStart() : text;
        segment.AtStart &= stripped.Length == text.Length;
        stripped = right ? stripped.TrimEnd() : stripped;
        if (stripped.Length < text.Length)
            segment.Replace(stripped);
    }
}

/// <summary>Makes letters lower case, each by itself and whatever is around it.</summary>
internal sealed class LowercaseStep : NormalizerStep
{
    private static readonly FrozenDictionary<int, string> s_exceptions = ReadExceptions();

    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        Span<char> text = segment.Characters;
        if (Ascii.IsValid(text))
        {
            Ascii.ToLowerInPlace(text, out _);
            return;
        }
        Span<char> units = stackalloc char[2];
        segment.BeginRewrite();
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (s_exceptions.TryGetValue(rune.Value, out string? lower))
                segment.Rewrite(lower);
            else
                segment.Rewrite(units[..Rune.ToLowerInvariant(rune).EncodeToUtf16(units)]);
        }
        segment.EndRewrite();
    }

    private static FrozenDictionary<int, string> ReadExceptions()
        => CharacterData.LowerCase.Split(' ').Select(entry => entry.Split('>')).ToFrozenDictionary(
            entry => int.Parse(entry[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            entry => string.Concat(entry[1].Split('+').Select(
                c => char.ConvertFromUtf32(int.Parse(c, NumberStyles.HexNumber, CultureInfo.InvariantCulture)))));
}

/// <summary>Removes combining marks.</summary>
internal sealed class StripAccentsStep : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        if (Ascii.IsValid(segment.Characters))
            return;
        CodePointSet marks = CharacterSets.CombiningMarks;
        Span<char> units = stackalloc char[2];
        bool first = true;
        segment.BeginRewrite();
        foreach (Rune rune in segment.Characters.EnumerateRunes())
        {
            if (marks.Contains(rune.Value))
                segment.AtStart &= !first;
            else
                segment.Rewrite(units[..rune.EncodeToUtf16(units)]);
            first = false;
        }
        segment.EndRewrite();
    }
}

/// <summary>Replaces every byte of the text's UTF-8 by its character in the byte alphabet, before anything is split.</summary>
internal sealed class ByteCharactersNormalizer : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        segment.BeginRewrite();
        ByteCharactersStep.WriteBytes(segment.Characters, segment);
        segment.EndRewrite();
    }
}
