using System.Globalization;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tokenization;

/// <summary>The <c>text</c> of each line of a JSON Lines file, one line in memory at a time.</summary>
internal static class TextLines
{
    /// <exception cref="InputException">A line is no object with a string <c>text</c>; the message names it.</exception>
    public static IEnumerable<string> Read(Stream input, string path)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false), detectEncodingFromByteOrderMarks: true, bufferSize: 1 << 16, leaveOpen: true);
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
                yield return ReadText(line, number, path);
        }
    }

    private static string ReadText(string line, int number, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("text", out JsonElement text)
                || text.ValueKind != JsonValueKind.String)
            {
                throw new InputException($"{path} line {number}: {Shorten(line)}; an object with a string \"text\" is expected");
            }
            return Unescape(text.GetRawText());
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} line {number}: not JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads a JSON string that may escape half a surrogate pair, which the library refuses to read.</summary>
    internal static string Unescape(string quoted)
    {
        ReadOnlySpan<char> raw = quoted.AsSpan(1, quoted.Length - 2);
        if (!raw.Contains('\\'))
            return raw.ToString();
        var text = new StringBuilder(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                text.Append(raw[i]);
                continue;
            }
            char escape = raw[++i];
            switch (escape)
            {
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case 'r': text.Append('\r'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'u':
                    text.Append((char)ushort.Parse(raw.Slice(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                    i += 4;
                    break;
                default: text.Append(escape); break;
            }
        }
        return text.ToString();
    }

    private static string Shorten(string line) => line.Length <= 60 ? line : $"{line[..60]}...";
}
