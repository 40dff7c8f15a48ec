using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>
/// Splits a Jinja template into tokens, with the rules for white space under which Hugging Face renders chat templates: the line feed after a block is
/// dropped (trim_blocks), and so is white space between the start of a line and a block (lstrip_blocks). A <c>-</c> drops all white space on its side
/// of a tag, and a <c>+</c> keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] TwoLetterOperators = ["==", "!=", "<=", ">=", "//", "**"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    public static List<TemplateToken> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        TemplateLexer lexer = new(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool trimStart = false, dropLineFeed = false;
        while (true)
        {
            int tag = NextTag(_at);
            string text = _source[_at..tag];
            Advance(tag);
            if (trimStart)
                text = text.TrimStart();
            else if (dropLineFeed && text.StartsWith('\n'))
                text = text[1..];
            if (tag == _source.Length)
            {
                Add(TemplateTokenKind.Text, text);
                Add(TemplateTokenKind.End, "the end");
                return;
            }
            char kind = _source[tag + 1];
            char sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
            if (sign == '-')
                text = text.TrimEnd();
            else if (kind != '{' && sign != '+')
                text = WithoutIndent(text, tag);
            Add(TemplateTokenKind.Text, text);
            Advance(tag + (sign is '-' or '+' ? 3 : 2));
            char closing = kind switch { '#' => ReadComment(), '%' => ReadTag(TemplateTokenKind.BlockStart, TemplateTokenKind.BlockEnd, "%}"), _ => ReadTag(TemplateTokenKind.OutputStart, TemplateTokenKind.OutputEnd, "}}") };
            trimStart = closing == '-';
            dropLineFeed = kind != '{' && closing != '+';
        }
    }

    private int NextTag(int from)
    {
        for (int i = from; i + 1 < _source.Length; i++)
        {
            if (_source[i] == '{' && _source[i + 1] is ('{' or '%' or '#'))
                return i;
        }
        return _source.Length;
    }

    /// <summary>Drops the white space before a tag if nothing else is between the start of the line and the tag.</summary>
    private string WithoutIndent(string text, int tag)
    {
        int start = text.Length;
        while (start > 0 && text[start - 1] is (' ' or '\t'))
            start--;
        bool atLineStart = start > 0 ? text[start - 1] == '\n' : tag - text.Length == 0 || _source[tag - text.Length - 1] == '\n';
        return atLineStart ? text[..start] : text;
    }

    private char ReadComment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0)
            throw new ChatTemplateException($"line {_line}: a comment is not closed");
        char sign = end > _at ? _source[end - 1] : ' ';
        Advance(end + 2);
        return sign;
    }

    private char ReadTag(TemplateTokenKind start, TemplateTokenKind end, string closing)
    {
        Add(start, closing == "%}" ? "{%" : "{{");
        int depth = 0;
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
                Advance(_at + 1);
            if (_at >= _source.Length)
                throw new ChatTemplateException($"line {_line}: a tag is not closed by {closing}");
            char c = _source[_at];
            if (c is '-' or '+' && string.CompareOrdinal(_source, _at + 1, closing, 0, 2) == 0)
            {
                Advance(_at + 3);
                Add(end, closing);
                return c;
            }
            // The closing brace of a dictionary can stand directly before those of the tag. The depth tells them apart.
            if (depth == 0 && string.CompareOrdinal(_source, _at, closing, 0, 2) == 0)
            {
                Advance(_at + 2);
                Add(end, closing);
                return ' ';
            }
            depth += c is '{' or '[' or '(' ? 1 : c is '}' or ']' or ')' ? -1 : 0;
            ReadOne(c);
        }
    }

    private void ReadOne(char c)
    {
        int start = _at;
        if (c is '\'' or '"')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            int end = start;
            while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || (_source[end] == '.' && end + 1 < _source.Length && char.IsAsciiDigit(_source[end + 1]))))
                end++;
            Advance(end);
            Add(TemplateTokenKind.Number, _source[start..end]);
        }
        else if (char.IsLetter(c) || c == '_')
        {
            int end = start;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_'))
                end++;
            Advance(end);
            Add(TemplateTokenKind.Name, _source[start..end]);
        }
        else
        {
            string two = _source.Substring(start, Math.Min(2, _source.Length - start));
            string op = TwoLetterOperators.Contains(two) ? two : c.ToString();
            if (op.Length == 1 && !"+-*/%<>=|.,:()[]{}~".Contains(c))
                throw new ChatTemplateException($"line {_line}: unexpected '{c}'");
            Advance(start + op.Length);
            Add(TemplateTokenKind.Operator, op);
        }
    }

    private void ReadString(char quote)
    {
        StringBuilder value = new();
        int i = _at + 1;
        for (; i < _source.Length && _source[i] != quote; i++)
        {
            if (_source[i] != '\\' || i + 1 >= _source.Length)
            {
                value.Append(_source[i]);
                continue;
            }
            i++;
            switch (_source[i])
            {
                case 'n': value.Append('\n'); break;
                case 't': value.Append('\t'); break;
                case 'r': value.Append('\r'); break;
                case '\n': break;
                case '\\' or '\'' or '"': value.Append(_source[i]); break;
                case 'u' when i + 4 < _source.Length && ushort.TryParse(_source.AsSpan(i + 1, 4), System.Globalization.NumberStyles.HexNumber, null, out ushort code):
                    value.Append((char)code);
                    i += 4;
                    break;
                case 'x' when i + 2 < _source.Length && byte.TryParse(_source.AsSpan(i + 1, 2), System.Globalization.NumberStyles.HexNumber, null, out byte latin):
                    value.Append((char)latin);
                    i += 2;
                    break;
                case 'a' or 'b' or 'f' or 'v' or 'N' or 'U' or 'u' or 'x' or >= '0' and <= '7':
                    throw ChatTemplateException.Missing($"line {_line}: string escape \\{_source[i]} is not implemented");
                default: value.Append('\\').Append(_source[i]); break;
            }
        }
        if (i >= _source.Length)
            throw new ChatTemplateException($"line {_line}: a string is not closed");
        Advance(i + 1);
        Add(TemplateTokenKind.String, value.ToString());
    }

    private void Advance(int to)
    {
        for (int i = _at; i < to; i++)
        {
            if (_source[i] == '\n')
                _line++;
        }
        _at = to;
    }

    private void Add(TemplateTokenKind kind, string value)
    {
        if (kind != TemplateTokenKind.Text || value.Length > 0)
            _tokens.Add(new TemplateToken(kind, value, _line));
    }
}
