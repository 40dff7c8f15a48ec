using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Choices;

/// <summary>Reads comma-separated values by RFC 4180: quoted fields may contain commas, doubled quotes and line ends.</summary>
/// <param name="text">The text, which stays the caller's.</param>
/// <param name="path">The file's path, for messages.</param>
internal sealed class CsvReader(TextReader text, string path)
{
    private const int MostRecordCharacters = 1 << 24;

    private int _line = 1;

    /// <summary>The fields of the next record; null at the end. Blank lines are skipped.</summary>
    /// <exception cref="InputException">A quote is not closed or is where none may be, or a record is too long.</exception>
    public List<string>? Read()
    {
        while (text.Peek() is '\r' or '\n')
            Next();
        if (text.Peek() < 0)
            return null;
        var fields = new List<string>();
        int total = 0;
        while (true)
        {
            string field = text.Peek() == '"' ? Quoted() : Plain();
            total += field.Length;
            if (total > MostRecordCharacters)
                throw new InputException($"{path}: the record that ends at line {_line} is longer than {MostRecordCharacters} characters; is it CSV?");
            fields.Add(field);
            if (text.Peek() != ',')
                break;
            Next();
        }
        if (text.Peek() == '\r')
            Next();
        if (text.Peek() == '\n')
            Next();
        return fields;
    }

    private string Plain()
    {
        var field = new StringBuilder();
        while (text.Peek() is >= 0 and not (',' or '\r' or '\n'))
        {
            if (text.Peek() == '"')
                throw new InputException($"{path}: line {_line}: a quote inside a field without quotes; write the field in quotes, its own quotes doubled");
            field.Append((char)Next());
        }
        return field.ToString();
    }

    private string Quoted()
    {
        int begun = _line;
        var field = new StringBuilder();
        Next();
        while (true)
        {
            int next = Next();
            if (next < 0 || field.Length > MostRecordCharacters)
                throw new InputException($"{path}: the quote that opens at line {begun} is not closed");
            if (next != '"')
            {
                field.Append((char)next);
                continue;
            }
            if (text.Peek() != '"')
                break;
            field.Append((char)Next());
        }
        return text.Peek() is < 0 or ',' or '\r' or '\n'
            ? field.ToString()
            : throw new InputException($"{path}: line {_line}: found '{(char)text.Peek()}' after a closing quote, expected a comma or the end of the line");
    }

    private int Next()
    {
        int next = text.Read();
        if (next == '\n')
            _line++;
        return next;
    }
}
