using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Parses the regular expressions of a tokenizer.json. They are in the Ruby syntax of Oniguruma, with which Hugging Face's crate compiles them. What is not
/// supported is refused by name.
/// </summary>
internal sealed partial class PatternParser
{
    private const int MaxLength = 8_000;
    private const int MaxDepth = 25;
    private const int MaxCount = 1_000;

    private readonly string _text;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;
    private bool _extended;

    private PatternParser(string text) => _text = text;

    /// <summary>Parses a pattern.</summary>
    /// <exception cref="PatternException">The pattern is not supported, or not well-formed.</exception>
    public static PatternNode Parse(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new PatternException($"pattern of {pattern.Length} characters; at most {MaxLength} are supported");
        var parser = new PatternParser(pattern);
        PatternNode node = parser.ReadAlternatives();
        if (parser._at < pattern.Length)
            throw parser.Unexpected("a closing parenthesis without its opening one");
        return node;
    }

    /// <summary>A pattern that matches exactly this text.</summary>
    public static PatternNode Literal(string text)
        => new PatternNode.Sequence([.. text.EnumerateRunes().Select(r => new PatternNode.Class(CodePointSet.Of(r.Value)))]);

    private bool More => _at < _text.Length;

    private char Here => _text[_at];

    private PatternException Unexpected(string what) => new($"{what} at character {_at} of pattern {_text}");

    private bool Take(string literal)
    {
        if (string.CompareOrdinal(_text, _at, literal, 0, literal.Length) != 0)
            return false;
        _at += literal.Length;
        return true;
    }

    private PatternNode ReadAlternatives()
    {
        if (++_depth > MaxDepth)
            throw Unexpected($"groups deeper than {MaxDepth}");
        var alternatives = new List<PatternNode> { ReadSequence() };
        while (Take("|"))
            alternatives.Add(ReadSequence());
        _depth--;
        return alternatives.Count == 1 ? alternatives[0] : new PatternNode.Alternatives(alternatives);
    }

    private PatternNode ReadSequence()
    {
        var items = new List<PatternNode>();
        int previousLiteral = -1;
        while (More && Here is not ('|' or ')'))
        {
            if (_extended && SkipComment())
                continue;
            if (Take("(?#"))
            {
                _at = _text.IndexOf(')', _at) + 1;
                if (_at == 0)
                    throw new PatternException($"a comment without an end in pattern {_text}");
                continue;
            }
            int literal = -1;
            PatternNode item = Here switch
            {
                '(' => ReadGroup(),
                '[' => new PatternNode.Class(ReadBracket()),
                '\\' => ReadEscape(out literal),
                _ => ReadPlain(out literal),
            };
            bool quantified = More && (Here is '?' or '*' or '+' || (Here == '{' && IsCount()));
            if (_ignoreCase && literal >= 0)
                CaseFolds.RefuseExpansion(previousLiteral, literal, _text);
            previousLiteral = quantified ? -1 : literal;
            items.Add(quantified ? ReadQuantifiers(item) : item);
        }
        return items.Count == 1 ? items[0] : new PatternNode.Sequence(items);
    }

    private bool SkipComment()
    {
        if (char.IsWhiteSpace(Here))
        {
            _at++;
            return true;
        }
        if (Here != '#')
            return false;
        while (More && Here != '\n')
            _at++;
        return true;
    }

    private PatternNode ReadPlain(out int literal)
    {
        literal = -1;
        switch (Here)
        {
            case '.':
                _at++;
                return new PatternNode.Class(_dotAll ? CodePointSet.All : CharacterSets.NewLine.Complement());
            case '^':
                _at++;
                return new PatternNode.Place(PlaceKind.LineStart);
            case '$':
                _at++;
                return new PatternNode.Place(PlaceKind.LineEnd);
            case '?' or '*' or '+':
                throw Unexpected($"'{Here}' with nothing to repeat");
            default:
                literal = ReadCodePoint();
                return Character(literal);
        }
    }

    private PatternNode.Class Character(int codePoint)
    {
        CodePointSet set = CodePointSet.Of(codePoint);
        return new PatternNode.Class(_ignoreCase ? CharacterSets.IgnoreCase(set) : set);
    }

    private int ReadCodePoint()
    {
        if (!Rune.TryGetRuneAt(_text, _at, out Rune rune))
            throw Unexpected("half a surrogate pair");
        _at += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private PatternNode ReadGroup()
    {
        (bool ignoreCase, bool dotAll, bool extended) = (_ignoreCase, _dotAll, _extended);
        PatternNode node;
        if (Take("(?="))
            node = new PatternNode.Look(ReadAlternatives(), Ahead: true, Negative: false);
        else if (Take("(?!"))
            node = new PatternNode.Look(ReadAlternatives(), Ahead: true, Negative: true);
        else if (Take("(?<="))
            node = new PatternNode.Look(ReadAlternatives(), Ahead: false, Negative: false);
        else if (Take("(?<!"))
            node = new PatternNode.Look(ReadAlternatives(), Ahead: false, Negative: true);
        else if (Take("(?>"))
            node = new PatternNode.Atomic(ReadAlternatives());
        else if (Take("(?<") || Take("(?'"))
        {
            int end = _text.IndexOfAny(['>', '\''], _at);
            if (end < 0)
                throw Unexpected("a group name without an end");
            _at = end + 1;
            node = ReadAlternatives();
        }
        else if (Take("(?"))
        {
            ReadOptions(out bool closed);
            // In Ruby's syntax, options without a colon hold to the end of the enclosing group, even across its alternatives.
            node = ReadAlternatives();
            (_ignoreCase, _dotAll, _extended) = (ignoreCase, dotAll, extended);
            if (closed)
                return node;
        }
        else
        {
            _at++;
            node = ReadAlternatives();
        }
        (_ignoreCase, _dotAll, _extended) = (ignoreCase, dotAll, extended);
        return Take(")") ? node : throw Unexpected("a group without its closing parenthesis");
    }

    private void ReadOptions(out bool closed)
    {
        bool on = true;
        while (More)
        {
            char option = _text[_at++];
            switch (option)
            {
                case 'i': _ignoreCase = on; break;
                case 'm': _dotAll = on; break;
                case 'x': _extended = on; break;
                case '-': on = false; break;
                case ':': closed = false; return;
                case ')': closed = true; return;
                default:
                    _at--;
                    throw Unexpected($"group option '{option}', which is not supported (i, m and x are)");
            }
        }
        throw Unexpected("a group without an end");
    }

    private bool IsCount()
    {
        int at = _at + 1;
        int digits = 0;
        while (at < _text.Length && (char.IsAsciiDigit(_text[at]) || _text[at] == ','))
            digits += _text[at++] == ',' ? 0 : 1;
        return digits > 0 && at < _text.Length && _text[at] == '}';
    }

    private PatternNode ReadQuantifiers(PatternNode item)
    {
        while (More && (Here is '?' or '*' or '+' || (Here == '{' && IsCount())))
        {
            char kind = _text[_at++];
            (int min, int? max) = kind switch
            {
                '?' => (0, 1),
                '*' => (0, null),
                '+' => (1, (int?)null),
                _ => ReadCount(),
            };
            var mode = RepeatMode.Greedy;
            if (Take("?"))
            {
                if (kind == '{' && min == max)
                    throw Unexpected("a lazy fixed count {n}?, which is not supported");
                mode = RepeatMode.Lazy;
            }
            else if (kind != '{' && Take("+"))
            {
                mode = RepeatMode.Possessive;
            }
            item = new PatternNode.Repeat(item, min, max, mode);
        }
        return item;
    }

    private (int Min, int? Max) ReadCount()
    {
        int end = _text.IndexOf('}', _at);
        string[] parts = _text[_at..end].Split(',');
        _at = end + 1;
        if (parts.Length > 2)
            throw Unexpected("a count with two commas");
        int min = parts[0].Length == 0 ? 0 : Number(parts[0]);
        int? max = parts.Length == 1 ? min : parts[1].Length == 0 ? null : Number(parts[1]);
        if (max < min)
            throw Unexpected($"a count from {min} to {max}");
        return (min, max);

        int Number(string digits)
            => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= MaxCount
                ? value
                : throw Unexpected($"a count of {digits}; at most {MaxCount} is supported");
    }
}
