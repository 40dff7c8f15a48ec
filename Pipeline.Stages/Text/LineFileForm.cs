using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>
/// Checks whether a file is JSON Lines with what is asked for. A line that is not is just a bad line, and is counted. A file without any good line is of
/// another kind. It is refused before anything is done, with a guess at what it is.
/// </summary>
internal static class LineFileForm
{
    private const int HeadBytes = 1 << 16;

    private static readonly HashSet<string> OfForm =
    [
        TextRejects.NotJson, TextRejects.NotAnObject, TextRejects.NoField, TextRejects.NotText, TextRejects.NotMessages, TextRejects.NotUnicode,
        TextRejects.LineTooLong, TextRejects.ShareGpt, TextRejects.IncompleteMessage,
    ];

    /// <summary>Reads up to the first line that has the form, which as a rule is the very first line.</summary>
    /// <exception cref="InputException">No line has the form. A file without any line is not refused.</exception>
    public static void Require(IStorage storage, string path, ReadJsonlOptions options)
    {
        using Stream stream = storage.OpenRead(path);
        using Stream text = LineCompression.Open(path, stream);
        var lines = new LineReader(text, path, options.MaxLineBytes);
        (long Row, RowText Text, IReadOnlyList<string> Names)? first = null;
        bool isFieldMissing = true;
        long bad = 0, blank = 0;
        for (long row = 0; lines.Next(); row++)
        {
            RowText read = Read(lines, row, options);
            if (read.Reject == TextRejects.Blank)
            {
                blank++;
                continue;
            }
            if (read.Reject is null || !OfForm.Contains(read.Reject))
                return;
            bad++;
            isFieldMissing &= read.Reject == TextRejects.NoField;
            first ??= (row, read, read.Reject == TextRejects.NoField ? JsonLine.Names(JsonLine.WithoutMark(lines.Line.Span, row)) : []);
        }
        if (first is not { } line)
        {
            if (blank > 0)
                throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{path}: all of its {blank} lines are blank; expected a JSON object on each line"));
            return;
        }
        string at = string.Create(CultureInfo.InvariantCulture, $"line {line.Row + 1}");
        throw new InputException(isFieldMissing
            ? $"{path}: no line has the field '{options.Messages ?? options.Field}'; {at} has {string.Join(", ", line.Names.Select(n => $"'{n}'"))}"
            : string.Create(CultureInfo.InvariantCulture, $"{path}: none of its {bad} lines can be used: {Guess(storage, path, line.Text)}; {at}: {line.Text.Reject}{line.Text.Detail}"));
    }

    /// <summary>The text or conversation of the reader's current line.</summary>
    public static RowText Read(LineReader lines, long row, ReadJsonlOptions options) => lines.IsTooLong
        ? RowText.Rejected(TextRejects.LineTooLong, string.Create(CultureInfo.InvariantCulture, $" ({options.MaxLineBytes})"))
        : JsonLine.Read(JsonLine.WithoutMark(lines.Line.Span, row), options);

    private static string Guess(IStorage storage, string path, RowText first)
    {
        using Stream stream = storage.OpenRead(path);
        using Stream text = LineCompression.Open(path, stream);
        byte[] bytes = new byte[HeadBytes];
        ReadOnlySpan<byte> head = bytes.AsSpan(0, text.ReadAtLeast(bytes, HeadBytes, throwOnEndOfStream: false));
        if (FileHead.Tell(head[..Math.Min(head.Length, FileHead.Bytes)]) is { } told)
            return told;
        head = JsonLine.WithoutMark(head, 0).TrimStart(" \t\r\n"u8);
        if (head.Contains((byte)'\r') && !head.Contains((byte)'\n'))
            return "its lines end with CR only; end them with LF (tr '\\r' '\\n')";
        return first.Reject switch
        {
            TextRejects.NotUnicode => "it is not UTF-8; convert it, for example with iconv",
            TextRejects.LineTooLong => "its lines are too long; raise maxLineBytes if they are meant to be",
            TextRejects.ShareGpt => "it is in the form of ShareGPT; rename 'from' and 'value' to 'role' and 'content'",
            _ when head.StartsWith("["u8) && first.Reject is TextRejects.NotAnObject or TextRejects.NotJson => "it begins with [: a JSON array, not JSON Lines; write one object on each line (jq -c '.[]')",
            TextRejects.NotJson when head.StartsWith("{'"u8) => "it is written as Python prints a dictionary; write JSON",
            TextRejects.NotJson when head.StartsWith("{"u8) => "it is JSON spread over several lines; write one object on each line (jq -c .)",
            TextRejects.NotJson or TextRejects.NotAnObject => "it is not JSON Lines; write a JSON object on each line",
            _ => "the field does not hold what is expected",
        };
    }
}
