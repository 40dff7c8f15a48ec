using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <content>Escapes and character classes.</content>
internal sealed partial class PatternParser
{
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
        if (ReadClassEscape(inBracket: false) is { } set)
            return new PatternNode.Class(set);
        literal = ReadCharacterEscape();
        return Character(literal);
    }

    /// <summary>Reads a class after a backslash. Null if there is none; then nothing was read.</summary>
    private CodePointSet? ReadClassEscape(bool inBracket)
    {
        switch (Here)
        {
            case 'd' or 'D' or 'w' or 'W' or 's' or 'S' or 'h' or 'H':
                CodePointSet set = char.ToLowerInvariant(Here) switch
                {
                    'd' => CharacterSets.Digits,
                    // Oniguruma counts some numbers of Latin-1 as word characters, but not inside brackets.
                    'w' => inBracket ? CharacterSets.BracketWord : CharacterSets.Word,
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

    /// <summary>Reads a single character after a backslash.</summary>
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
        return Rune.IsValid(value) ? value : throw Unexpected("a hexadecimal escape that is not a character");
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
            if (ReadClassEscape(inBracket: true) is { } set)
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
            if (!More || ReadClassEscape(inBracket: true) is not null)
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
            throw Unexpected("[: without its closing :]");
        string name = _text[(_at + 2)..end];
        bool negative = name.StartsWith('^');
        CodePointSet set = name.TrimStart('^') switch
        {
            "space" => CharacterSets.Space,
            "digit" => CharacterSets.Digits,
            "word" => CharacterSets.BracketWord,
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
