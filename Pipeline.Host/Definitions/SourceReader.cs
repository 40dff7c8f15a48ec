using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Pipeline.Host.Definitions;

/// <summary>Reads JSON with comments and trailing commas as a tree with positions. The depth is limited here; the caller has to limit the size.</summary>
internal static class SourceReader
{
    private const int MaxDepth = 32;

    /// <summary>Reads a text.</summary>
    /// <param name="source">The name of the text in error messages.</param>
    /// <param name="utf8">The text.</param>
    /// <param name="errors">Collects the errors.</param>
    /// <returns>The root of the tree; null if the text is not JSON. No other error can be found then.</returns>
    public static SourceNode? Read(string source, ReadOnlySpan<byte> utf8, DefinitionErrors errors)
    {
        ReadOnlySpan<byte> bom = Encoding.UTF8.Preamble;
        if (utf8.StartsWith(bom))
            utf8 = utf8[bom.Length..];
        var lines = new LineIndex(source, utf8);
        if (!Utf8.IsValid(utf8))
        {
            errors.Add(lines.At(utf8, FirstInvalid(utf8)), "not UTF-8 text; save the file as UTF-8");
            return null;
        }
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = MaxDepth,
        });
        try
        {
            reader.Read();
            SourceNode root = ReadValue(ref reader, utf8, lines, errors);
            reader.Read();
            return root;
        }
        catch (JsonException e)
        {
            int line = (int)(e.LineNumber ?? 0);
            errors.Add(
                lines.At(utf8, lines.StartOf(line) + (int)(e.BytePositionInLine ?? 0)),
                $"not JSON: {Reason(e)}");
            return null;
        }
    }

    private static SourceNode ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, LineIndex lines, DefinitionErrors errors)
    {
        SourcePosition position = lines.At(utf8, (int)reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, new SourceNode(SourceKind.Object, "", position), utf8, lines, errors);
            case JsonTokenType.StartArray:
                var array = new SourceNode(SourceKind.Array, "", position);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.Items.Add(ReadValue(ref reader, utf8, lines, errors));
                return array;
            case JsonTokenType.String:
                return new SourceNode(SourceKind.String, Text(ref reader, position, errors), position);
            case JsonTokenType.Number:
                return new SourceNode(SourceKind.Number, Encoding.UTF8.GetString(reader.ValueSpan), position);
            case JsonTokenType.True:
                return new SourceNode(SourceKind.Boolean, "true", position);
            case JsonTokenType.False:
                return new SourceNode(SourceKind.Boolean, "false", position);
            default:
                return new SourceNode(SourceKind.Null, "null", position);
        }
    }

    private static SourceNode ReadObject(
        ref Utf8JsonReader reader, SourceNode node, ReadOnlySpan<byte> utf8, LineIndex lines, DefinitionErrors errors)
    {
        var seen = new Dictionary<string, SourcePosition>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            SourcePosition position = lines.At(utf8, (int)reader.TokenStartIndex);
            string name = Text(ref reader, position, errors);
            reader.Read();
            SourceNode value = ReadValue(ref reader, utf8, lines, errors);
            if (seen.TryAdd(name, position))
                node.Members.Add(new SourceMember(name, position, value));
            else
                errors.Add(position, string.Create(CultureInfo.InvariantCulture, $"key '{name}' was given already at line {seen[name].Line}; remove one"));
        }
        return node;
    }

    private static string Text(ref Utf8JsonReader reader, SourcePosition position, DefinitionErrors errors)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The bytes are valid UTF-8, so it can only be an escaped half of a surrogate pair.
            errors.Add(position, "a string with half a surrogate pair (\\uD800 to \\uDFFF); write the character itself");
            return "";
        }
    }

    private static int FirstInvalid(ReadOnlySpan<byte> utf8)
    {
        int at = 0;
        while (at < utf8.Length && Rune.DecodeFromUtf8(utf8[at..], out _, out int length) == System.Buffers.OperationStatus.Done)
            at += length;
        return at;
    }

    private static string Reason(JsonException e)
    {
        int tail = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (tail < 0 ? e.Message : e.Message[..tail]).TrimEnd('.', ' ');
    }

    private sealed class LineIndex
    {
        private readonly string _source;
        private readonly List<int> _starts = [0];
        private (int Line, int Offset, int Column) _last = (0, 0, 1);

        public LineIndex(string source, ReadOnlySpan<byte> utf8)
        {
            _source = source;
            for (int i = 0; i < utf8.Length; i++)
            {
                if (utf8[i] == (byte)'\n')
                    _starts.Add(i + 1);
            }
        }

        public int StartOf(int line) => _starts[Math.Min(line, _starts.Count - 1)];

        /// <summary>The position of a byte. Columns count characters, as editors do.</summary>
        public SourcePosition At(ReadOnlySpan<byte> utf8, int offset)
        {
            offset = Math.Min(offset, utf8.Length);
            int line = _starts.BinarySearch(offset);
            if (line < 0)
                line = ~line - 1;
            // Counts on from the last position. If a line had a megabyte, counting it again for each of its values would take minutes.
            (int from, int column) = line == _last.Line && offset >= _last.Offset ? (_last.Offset, _last.Column) : (_starts[line], 1);
            foreach (byte b in utf8[from..offset])
                column += (b & 0xC0) == 0x80 ? 0 : 1;
            _last = (line, offset, column);
            return new SourcePosition(_source, line + 1, column);
        }
    }
}
