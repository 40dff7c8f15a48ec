using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>
/// A string whose characters know their origin: the number of a character of the conversation, a field of a turn, or <see cref="FromTemplate"/>. Trimming,
/// slicing, splitting and joining keep the origins. A rendered prompt can therefore tell which of its bytes are whose content, whatever the template
/// did to it.
/// </summary>
internal sealed class TracedText
{
    public const int FromTemplate = -1;

    /// <summary>Longer texts are refused. No prompt is so long, but a template can double a text again and again.</summary>
    public const int MaxLength = 1 << 25;

    private const int FirstTurn = FromTemplate - 1;

    // [characters] the origin of each, or null if all are the template's.
    private readonly int[]? _origins;

    private TracedText(string text, int[]? origins)
    {
        Text = text;
        _origins = origins;
    }

    public static TracedText Empty { get; } = new(string.Empty, null);

    public string Text { get; }

    public int Length => Text.Length;

    /// <summary>The length as Python counts it, where a surrogate pair is one character.</summary>
    public int CodePoints
    {
        get
        {
            int count = 0;
            for (int unit = 0; unit < Text.Length; unit += Width(unit))
                count++;
            return count;
        }
    }

    /// <summary>Text that the template wrote.</summary>
    public static TracedText Literal(string text) => new(text, null);

    /// <summary>Text of the conversation, whose first character has this number.</summary>
    public static TracedText Source(string text, int firstOrigin)
    {
        int[] origins = new int[text.Length];
        for (int i = 0; i < origins.Length; i++)
            origins[i] = firstOrigin + i;
        return new TracedText(text, origins);
    }

    /// <summary>Text of a turn's fields, whose characters are not numbered.</summary>
    public static TracedText OfTurn(string text, int turn)
    {
        int[] origins = new int[text.Length];
        Array.Fill(origins, FirstTurn - turn);
        return new TracedText(text, origins);
    }

    /// <summary>The turn that an origin stands for if its character is not numbered, or -1.</summary>
    public static int TurnOf(int origin) => origin <= FirstTurn ? FirstTurn - origin : -1;

    public int Origin(int index) => _origins is null ? FromTemplate : _origins[index];

    public TracedText Slice(int start, int length)
        => length == Text.Length ? this : new TracedText(Text.Substring(start, length), _origins?[start..(start + length)]);

    /// <summary>The code points [start, end).</summary>
    public TracedText SliceCodePoints(int start, int end)
    {
        int from = Unit(0, start);
        return Slice(from, Unit(from, end - start) - from);

        int Unit(int unit, int codePoints)
        {
            for (; codePoints > 0; codePoints--)
                unit += Width(unit);
            return unit;
        }
    }

    private int Width(int unit) => unit + 1 < Text.Length && char.IsSurrogatePair(Text[unit], Text[unit + 1]) ? 2 : 1;

    public TracedText Trim(bool start, bool end, string? characters)
    {
        int from = 0, to = Text.Length;
        while (start && from < to && IsTrimmed(Text[from]))
            from++;
        while (end && to > from && IsTrimmed(Text[to - 1]))
            to--;
        return Slice(from, to - from);

        bool IsTrimmed(char c) => characters is null ? IsPythonSpace(c) : characters.Contains(c);
    }

    /// <summary>The index of the code point that begins at a UTF-16 unit. -1 stays -1.</summary>
    public long CodePointAt(int unit) => unit < 0 ? unit : Slice(0, unit).CodePoints;

    /// <summary>Replaces a text by another.</summary>
    /// <param name="old">The text to replace.</param>
    /// <param name="replacement">What replaces it.</param>
    /// <param name="most">The largest number of replacements, or a negative number for all.</param>
    public TracedText Replace(string old, TracedText replacement, long most)
    {
        if (old.Length == 0 || !Text.Contains(old, StringComparison.Ordinal))
            return this;
        Builder result = new();
        int at = 0;
        for (int found; most != 0 && (found = Text.IndexOf(old, at, StringComparison.Ordinal)) >= 0; at = found + old.Length, most--)
        {
            result.Append(Slice(at, found - at));
            result.Append(replacement);
        }
        result.Append(Slice(at, Text.Length - at));
        return result.ToText();
    }

    public List<object?> Split(string separator, int limit)
    {
        List<object?> parts = [];
        int at = 0;
        for (int found; (limit < 0 || parts.Count < limit) && (found = Text.IndexOf(separator, at, StringComparison.Ordinal)) >= 0; at = found + separator.Length)
        {
            parts.Add(Slice(at, found - at));
            CheckCount(parts);
        }
        parts.Add(Slice(at, Text.Length - at));
        return parts;
    }

    public List<object?> SplitFromEnd(string separator, int limit)
    {
        List<object?> parts = [];
        int end = Text.Length;
        for (int found; (limit < 0 || parts.Count < limit) && (found = Text.AsSpan(0, end).LastIndexOf(separator)) >= 0; end = found)
            parts.Insert(0, Slice(found + separator.Length, end - found - separator.Length));
        parts.Insert(0, Slice(0, end));
        return parts;
    }

    public List<object?> SplitAtWhiteSpace()
    {
        List<object?> parts = [];
        for (int at = 0; at < Text.Length;)
        {
            int end = at;
            while (end < Text.Length && !IsPythonSpace(Text[end]))
                end++;
            if (end > at)
                parts.Add(Slice(at, end - at));
            CheckCount(parts);
            at = end + 1;
        }
        return parts;
    }

    public override string ToString() => Text;

    public override bool Equals(object? obj) => obj is TracedText other && other.Text == Text;

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    private static void CheckCount(List<object?> parts)
    {
        if (parts.Count > TemplateValues.LongestList)
            throw new ChatTemplateException($"a text split into more than {TemplateValues.LongestList} parts");
    }

    internal static bool IsPythonSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>Joins texts and keeps their origins.</summary>
    internal sealed class Builder
    {
        private readonly StringBuilder _text = new();
        private readonly List<int> _origins = [];
        private bool _traced;

        /// <exception cref="ChatTemplateException">The text becomes longer than <see cref="MaxLength"/>.</exception>
        public void Append(TracedText piece)
        {
            if (_text.Length + piece.Length > MaxLength)
                throw new ChatTemplateException($"a text of more than {MaxLength} characters");
            if (piece._origins is not null)
            {
                _traced = true;
                _origins.AddRange(piece._origins);
            }
            else
            {
                for (int i = 0; i < piece.Length; i++)
                    _origins.Add(FromTemplate);
            }
            _text.Append(piece.Text);
        }

        public void Append(string literal) => Append(Literal(literal));

        public TracedText ToText() => new(_text.ToString(), _traced ? [.. _origins] : null);
    }
}
