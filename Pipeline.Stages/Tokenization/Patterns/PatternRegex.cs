using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>
/// Matches with a .NET regular expression over the symbols of a text, one character each. It serves patterns that look further than one character ahead, or
/// behind.
/// </summary>
internal sealed class PatternRegex : PatternMatcher
{
    // Symbols are written as CJK ideographs. These mean nothing special in a regular expression, and no two of them count as equal.
    private const int FirstLetter = 0x4E00;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly SymbolTable _symbols;
    private readonly Regex _regex;

    public PatternRegex(PatternNode pattern, SymbolTable symbols)
    {
        _symbols = symbols;
        var text = new StringBuilder();
        Write(pattern, text);
        try
        {
            _regex = new Regex(text.ToString(), RegexOptions.CultureInvariant | RegexOptions.Compiled, s_limit);
        }
        catch (ArgumentException e)
        {
            throw new PatternException($"a pattern that cannot be compiled: {e.Message}");
        }
    }

    public override bool Find(ReadOnlySpan<char> text, int from, ref MatchScratch scratch, out int start, out int length)
    {
        if (scratch.Count < 0)
            Map(text, ref scratch);
        if (Environment.TickCount64 - scratch.Begun > s_limit.TotalMilliseconds)
            throw new PatternException("a pattern that takes unbounded time on this text");
        ReadOnlySpan<char> symbols = scratch.Symbols.AsSpan(0, scratch.Count);
        int[] places = scratch.Places!;
        int first = Array.BinarySearch(places, 0, scratch.Count + 1, from);
        (start, length) = (0, 0);
        try
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(symbols, first))
            {
                start = places[match.Index];
                length = places[match.Index + match.Length] - start;
                return true;
            }
        }
        catch (RegexMatchTimeoutException)
        {
            throw new PatternException("a pattern that takes unbounded time on this text");
        }
        return false;
    }

    private void Map(ReadOnlySpan<char> text, ref MatchScratch scratch)
    {
        if (scratch.Symbols is null || scratch.Symbols.Length < text.Length)
        {
            int size = Math.Max(text.Length, 256);
            scratch.Symbols = new char[size];
            scratch.Places = new int[size + 1];
        }
        int count = 0;
        for (int at = 0; at < text.Length;)
        {
            scratch.Places![count] = at;
            scratch.Symbols[count++] = (char)(FirstLetter + _symbols.SymbolAt(text, at, out int width));
            at += width;
        }
        scratch.Places![count] = text.Length;
        scratch.Count = count;
        scratch.Begun = Environment.TickCount64;
    }

    private void Write(PatternNode node, StringBuilder text)
    {
        switch (node)
        {
            case PatternNode.Class c:
                WriteClass(c.Set, text);
                break;
            case PatternNode.Sequence s:
                foreach (PatternNode item in s.Items)
                    WriteGroup("(?:", item, text);
                break;
            case PatternNode.Alternatives a:
                for (int i = 0; i < a.Items.Count; i++)
                {
                    if (i > 0)
                        text.Append('|');
                    WriteGroup("(?:", a.Items[i], text);
                }
                break;
            case PatternNode.Atomic a:
                WriteGroup("(?>", a.Item, text);
                break;
            case PatternNode.Repeat r:
                if (r.Mode == RepeatMode.Possessive)
                    text.Append("(?>");
                WriteGroup("(?:", r.Item, text);
                text.Append(CultureInfo.InvariantCulture, $"{{{r.Min},{r.Max}}}");
                text.Append(r.Mode == RepeatMode.Lazy ? "?" : r.Mode == RepeatMode.Possessive ? ")" : "");
                break;
            case PatternNode.Look l:
                WriteGroup((l.Ahead, l.Negative) switch
                {
                    (true, false) => "(?=",
                    (true, true) => "(?!",
                    (false, false) => "(?<=",
                    (false, true) => "(?<!",
                }, l.Item, text);
                break;
            case PatternNode.Place p:
                WritePlace(p.Kind, text);
                break;
            default:
                throw new InvalidOperationException($"no rule for {node}");
        }
    }

    private void WriteGroup(string open, PatternNode item, StringBuilder text)
    {
        text.Append(open);
        Write(item, text);
        text.Append(')');
    }

    private void WritePlace(PlaceKind kind, StringBuilder text)
    {
        string newLine = ClassText(CharacterSets.NewLine);
        text.Append(kind switch
        {
            PlaceKind.TextStart => @"\A",
            PlaceKind.TextEnd => @"\z",
            PlaceKind.TextEndOrLastNewLine => $@"(?={newLine}?\z)",
            PlaceKind.LineStart => $@"(?:\A|(?<={newLine}))",
            PlaceKind.LineEnd => $@"(?:\z|(?={newLine}))",
            _ => "",
        });
        if (kind is PlaceKind.WordBoundary or PlaceKind.NotWordBoundary)
        {
            string word = ClassText(CharacterSets.Word);
            text.Append(kind == PlaceKind.WordBoundary
                ? $"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
                : $"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))");
        }
    }

    private string ClassText(CodePointSet set)
    {
        var text = new StringBuilder();
        WriteClass(set, text);
        return text.ToString();
    }

    private void WriteClass(CodePointSet set, StringBuilder text)
    {
        bool[] members = _symbols.Members(set);
        if (!members.Contains(true))
        {
            text.Append("(?!)");
            return;
        }
        text.Append('[');
        for (int i = 0; i < members.Length; i++)
        {
            if (members[i])
                text.Append((char)(FirstLetter + i));
        }
        text.Append(']');
    }
}
