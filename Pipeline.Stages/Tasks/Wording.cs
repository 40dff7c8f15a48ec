using System.Text;

namespace Pipeline.Stages.Tasks;

/// <summary>A text with {name}s in it that are filled with values of a row. {{ and }} stand for single braces.</summary>
internal sealed class Wording
{
    private readonly List<(string Text, bool IsName)> _parts = [];

    /// <summary>Reads a wording.</summary>
    /// <exception cref="FormatException">A brace is not closed, or not opened.</exception>
    public Wording(string text)
    {
        var literal = new StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is '{' or '}' && i + 1 < text.Length && text[i + 1] == c)
            {
                literal.Append(c);
                i++;
                continue;
            }
            if (c == '}')
                throw new FormatException($"'{text}' has a }} that closes nothing; write }}}} for a brace");
            if (c != '{')
            {
                literal.Append(c);
                continue;
            }
            int end = text.IndexOf('}', i);
            if (end < 0)
                throw new FormatException($"'{text}' has a {{ that is not closed; write {{{{ for a brace");
            _parts.Add((literal.ToString(), false));
            _parts.Add((text[(i + 1)..end], true));
            literal.Clear();
            i = end;
        }
        _parts.Add((literal.ToString(), false));
    }

    /// <summary>The names in the text, in order.</summary>
    public IEnumerable<string> Names => _parts.Where(p => p.IsName).Select(p => p.Text);

    /// <summary>The text with a value for each name.</summary>
    public string Fill(Func<string, string> value) => string.Concat(_parts.Select(p => p.IsName ? value(p.Text) : p.Text));
}
