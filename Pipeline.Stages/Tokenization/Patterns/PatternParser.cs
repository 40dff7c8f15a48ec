using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Reads the regular expressions of a tokenizer.json: Oniguruma's Ruby syntax, which is what Hugging Face's crate compiles them with.
/// What is not supported is refused by name.
/// </summary>
internal sealed class PatternParser
{
    private const int MaxLength = 20_000;
    private const int MaxDepth = 100;
    private const int MaxCount = 1_000;

    private readonly string _text;
    private int _at;
    private int _depth;
    private bool _ignoreCase;
    private bool _dotAll;
    private bool _extended;

    private PatternParser(string text) => _text = text;

    /// <exception cref="PatternException">Not supported, or not well-formed.</exception>
    public static PatternNode Parse(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new PatternException($"pattern of {pattern.Length} characters; at most {MaxLength} are read");
        var parser = new PatternParser(pattern);
        PatternNode node = parser.ReadAlternatives();
        if (parser._at < pattern.Length)
            throw parser.Unexpected("a closing parenthesis without its opening one");
        return node;
    }

    /// <summary>A pattern that stands for these characters and nothing else.</summary>
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
                    throw new PatternException($"a comment without its end in pattern {_text}");
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
                throw Unexpected("a group name without its end");
            _at = end + 1;
            node = ReadAlternatives();
        }
        else if (Take("(?"))
        {
            ReadOptions(out bool closed);
            // Options given alone hold, in Ruby's syntax, to the end of the group around them, alternatives included.
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
        throw Unexpected("a group without its end");
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
                : throw Unexpected($"a count of {digits}; at most {MaxCount} is read");
    }

    private PatternNode ReadEscape(out int literal)
    {
        literal = -1;
        _at++;
        if (!More)
            throw Unexpected("a backslash with nothing after it");
        PlaceKind? place = Here switch
        {
            'A' => PlaceKind.TextStart,
            'z' => PlaceKind.TextEnd,
            'Z' => PlaceKind.TextEndOrLastNewLine,
            'b' => PlaceKind.WordBoundary,
            'B' => PlaceKind.NotWordBoundary,
            _ => null,
        };
        if (place is { } kind)
        {
            _at++;
            return new PatternNode.Place(kind);
        }
        if (ReadClassEscape() is { } set)
            return new PatternNode.Class(set);
        literal = ReadCharacterEscape();
        return Character(literal);
    }

    /// <summary>After the backslash: a class, or null with nothing read.</summary>
    private CodePointSet? ReadClassEscape()
    {
        switch (Here)
        {
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'h' or 'H':
                CodePointSet set = char.ToLowerInvariant(Here) switch
                {
                    'd' => CharacterSets.Digits,
                    'w' => CharacterSets.Word,
                    's' => CharacterSets.Space,
                    _ => CharacterSets.HexDigits,
                };
                return char.IsAsciiLetterUpper(_text[_at++]) ? set.Complement() : set;
            case 'p' or 'P':
                bool negative = _text[_at++] == 'P';
                if (!Take("{"))
                    throw Unexpected("\\p without a brace");
                int end = _text.IndexOf('}', _at);
                if (end < 0)
                    throw Unexpected("a property without its closing brace");
                string name = _text[_at..end];
                if (name.StartsWith('^'))
                    (name, negative) = (name[1..], !negative);
                CodePointSet property = CharacterSets.Find(name)
                    ?? throw Unexpected($"property \\p{{{name}}}, which is not supported (general categories and common scripts are)");
                _at = end + 1;
                return negative ? property.Complement() : property;
            default:
                return null;
        }
    }

    /// <summary>After the backslash: one character.</summary>
    private int ReadCharacterEscape()
    {
        char escape = Here;
        if (!char.IsAsciiLetterOrDigit(escape))
            return ReadCodePoint();
        _at++;
        switch (escape)
        {
            case 't': return '\t';
            case 'n': return '\n';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'e': return 0x1b;
            case '0': return 0;
            case 'u': return ReadHex(4, 4);
            case 'x':
                if (!Take("{"))
                {
                    int value = ReadHex(1, 2);
                    return value < 0x80 ? value : throw Unexpected("\\x of a byte above 7f, which is not supported (write \\x{...})");
                }
                int codePoint = ReadHex(1, 6);
                return Take("}") ? codePoint : throw Unexpected("\\x{ without its closing brace");
            default:
                throw Unexpected($"escape \\{escape}, which is not supported");
        }
    }

    private int ReadHex(int min, int max)
    {
        int start = _at;
        while (More && _at - start < max && char.IsAsciiHexDigit(Here))
            _at++;
        int value = _at - start < min
            ? -1
            : int.Parse(_text.AsSpan(start, _at - start), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return Rune.IsValid(value) ? value : throw Unexpected("a hexadecimal escape that is no character");
    }

    private CodePointSet ReadBracket()
    {
        if (++_depth > MaxDepth)
            throw Unexpected($"classes deeper than {MaxDepth}");
        _at++;
        bool negative = Take("^");
        CodePointSet? intersected = null;
        var parts = new List<CodePointSet>();
        bool first = true;
        while (true)
        {
            if (!More)
                throw Unexpected("a class without its closing bracket");
            if (Take("]"))
            {
                if (first)
                    throw Unexpected("an empty class");
                break;
            }
            first = false;
            if (Take("&&"))
            {
                intersected = Close(intersected, parts);
                parts = [];
                continue;
            }
            if (string.CompareOrdinal(_text, _at, "--", 0, 2) == 0 || string.CompareOrdinal(_text, _at, "~~", 0, 2) == 0)
                throw Unexpected($"'{_text.Substring(_at, 2)}' in a class, which is not supported (only && is)");
            parts.Add(ReadBracketItem());
        }
        CodePointSet set = Close(intersected, parts);
        _depth--;
        if (_ignoreCase)
            set = CharacterSets.IgnoreCase(set);
        return negative ? set.Complement() : set;

        static CodePointSet Close(CodePointSet? before, List<CodePointSet> parts)
        {
            CodePointSet set = CodePointSet.Union([.. parts]);
            return before is null ? set : before.Intersect(set);
        }
    }

    private CodePointSet ReadBracketItem()
    {
        if (string.CompareOrdinal(_text, _at, "[:", 0, 2) == 0)
            return ReadPosixClass();
        if (Here == '[')
            return ReadBracket();
        int from;
        if (Here == '\\')
        {
            _at++;
            if (!More)
                throw Unexpected("a backslash with nothing after it");
            if (ReadClassEscape() is { } set)
                return set;
            from = Here == 'b' ? '\b' : -1;
            if (from >= 0)
                _at++;
            else
                from = ReadCharacterEscape();
        }
        else
        {
            from = ReadCodePoint();
        }
        bool range = More && Here == '-' && _at + 1 < _text.Length && _text[_at + 1] is not (']' or '[');
        if (!range || string.CompareOrdinal(_text, _at, "--", 0, 2) == 0)
            return CodePointSet.Of(from);
        _at++;
        int to;
        if (Take("\\"))
        {
            if (!More || ReadClassEscape() is not null)
                throw Unexpected("a range that ends in a class");
            to = ReadCharacterEscape();
        }
        else
        {
            to = ReadCodePoint();
        }
        return to >= from ? CodePointSet.Range(from, to) : throw Unexpected("a range that runs backwards");
    }

    private CodePointSet ReadPosixClass()
    {
        int end = _text.IndexOf(":]", _at, StringComparison.Ordinal);
        if (end < 0)
            throw Unexpected("[: without its end");
        string name = _text[(_at + 2)..end];
        bool negative = name.StartsWith('^');
        CodePointSet set = name.TrimStart('^') switch
        {
            "space" => CharacterSets.Space,
            "digit" => CharacterSets.Digits,
            "word" => CharacterSets.Word,
            "xdigit" => CharacterSets.HexDigits,
            "cntrl" => CharacterSets.Find("Cc")!,
            "punct" => CodePointSet.Union(CharacterSets.Find("P")!, CharacterSets.Find("S")!),
            "ascii" => CodePointSet.Range(0, 0x7f),
            _ => throw Unexpected($"class [:{name}:], which is not supported"),
        };
        _at = end + 2;
        return negative ? set.Complement() : set;
    }
}
