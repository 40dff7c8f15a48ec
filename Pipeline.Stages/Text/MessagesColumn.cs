using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>
/// A column of conversations, which is a list of structs. Role, content and the other fields of the structs are read side by side, together with the row's
/// <c>tools</c> and <c>documents</c>.
/// </summary>
internal sealed class MessagesColumn(string name, LeafColumn role, LeafColumn content, FieldColumn[] fields, FieldColumn[] rowFields, int maxDocumentBytes)
    : TextColumn(name, maxDocumentBytes)
{
    private static readonly string[] s_rowFields = ["tools", "documents"];

    public override IEnumerable<LeafColumn> Leaves => [role, content, .. fields.Concat(rowFields).Select(f => f.Leaf)];

    public static MessagesColumn Find(ColumnFileReader reader, string name, int maxDocumentBytes)
    {
        LeafColumn[] leaves = [.. reader.File.Leaves.Where(l => l.Top == name)];
        if (leaves.Length == 0)
            throw Missing(reader, name);
        // The message's own role and content are the two siblings nearest to the top. A struct inside the message may have fields of the same names.
        (LeafColumn Role, LeafColumn Content)? pair = leaves.Where(l => l.Name == "role" && l.MaxRepetition == 1).OrderBy(l => l.Nodes.Length)
            .Select(r => (r, leaves.FirstOrDefault(c => c.Name == "content" && c.MaxRepetition == 1 && Parent(c).SequenceEqual(Parent(r)))))
            .Where(p => p.Item2 is not null).Select(p => ((LeafColumn, LeafColumn)?)(p.r, p.Item2!)).FirstOrDefault();
        if (pair is not { } found)
        {
            throw new InputException(
                $"{reader.Path}: column '{name}' is not a list of structs with 'role' and 'content'; it holds {string.Join(", ", leaves.Select(l => $"'{l}'"))}");
        }
        CheckIsText(reader, found.Role);
        CheckIsText(reader, found.Content);
        int depth = found.Role.Nodes.Length;
        IEnumerable<LeafColumn> others = leaves.Where(l => l != found.Role && l != found.Content && l.Nodes.Length >= depth && l.Path.Take(depth - 1).SequenceEqual(Parent(found.Role)));
        return new MessagesColumn(
            name, found.Role, found.Content, Fields(others, 1, depth), Fields(reader.File.Leaves.Where(l => s_rowFields.Contains(l.Top) && l.Top != name), 0, 1), maxDocumentBytes);
    }

    public override IEnumerable<RowText> Read(ColumnFileReader reader, int group, long first, long end)
    {
        ColumnReader roles = reader.OpenColumn(group, role), contents = reader.OpenColumn(group, content);
        foreach (FieldColumn field in fields.Concat(rowFields))
            field.Open(reader, group);
        bool more = Step(roles, contents);
        if (more && roles.Repetition != 0)
            throw new ColumnFormatException("its first row begins in the middle of a list");
        for (long row = 0; row < end; row++)
        {
            if (!more)
                throw new ColumnFormatException("it has fewer lists than its row group has rows");
            bool isWanted = row >= first;
            var messages = new List<ChatMessage>();
            RowText? reject = null;
            long bytes = 0;
            do
            {
                List<FieldValue> beside = Beside(fields);
                // Below this level the list is null or empty.
                if (isWanted && reject is null && roles.Definition >= role.RepeatedDefinition)
                    reject = Take(roles, contents, beside, messages, ref bytes);
                more = Step(roles, contents);
            }
            while (more && roles.Repetition > 0);
            List<FieldValue> ofRow = Beside(rowFields);
            if (isWanted)
                yield return reject ?? ToRow(messages, ofRow, bytes);
        }
    }

    private static IEnumerable<string> Parent(LeafColumn leaf) => leaf.Path.SkipLast(1);

    // A field can have several leaves. Each is checked, because any of them may have a value.
    private static FieldColumn[] Fields(IEnumerable<LeafColumn> leaves, int level, int depth)
        => [.. leaves.Select(l => new FieldColumn(l.Nodes[depth - 1].Name, l, level, depth))];

    private static bool Step(ColumnReader roles, ColumnReader contents)
    {
        bool more = roles.Read();
        if (more != contents.Read() || (more && roles.Repetition != contents.Repetition))
            throw new ColumnFormatException("roles and contents do not have the same lists");
        return more;
    }

    // Every column is asked, because each must go past its entries.
    private static List<FieldValue> Beside(FieldColumn[] columns) => [.. columns.Select(column => column.Take()).OfType<FieldValue>()];

    private static RowText Rejected(FieldValue value) => value.Reject == TextRejects.NotCarried
        ? RowText.Rejected(value.Reject, $": '{value.Path[0]}' is neither text nor a number or truth value; write conversations with it as JSON Lines")
        : RowText.Rejected(value.Reject!);

    private RowText? Take(ColumnReader roles, ColumnReader contents, List<FieldValue> beside, List<ChatMessage> messages, ref long bytes)
    {
        if (!roles.HasValue)
            return RowText.Rejected(TextRejects.IncompleteMessage);
        if (beside.Find(f => f.Reject is not null) is { } wrong)
            return Rejected(wrong);
        if (!contents.HasValue && !beside.Exists(f => f.Path[0] is "tool_calls" or "reasoning_content"))
            return RowText.Rejected(beside.Count == 0 ? TextRejects.IncompleteMessage : TextRejects.NullContent);
        ReadOnlySpan<byte> text = contents.HasValue ? contents.Value : [], speaker = roles.Value;
        bytes += text.Length + speaker.Length + beside.Sum(f => f.Bytes);
        if (bytes > MaxDocumentBytes)
            return RowText.Rejected(TextRejects.TooLong, TooLongDetail(bytes));
        if (!Utf8.IsValid(text) || !Utf8.IsValid(speaker))
            return RowText.Rejected(TextRejects.NotUtf8);
        messages.Add(new ChatMessage(Encoding.UTF8.GetString(speaker), Encoding.UTF8.GetString(text), contents.HasValue && beside.Count == 0 ? null : FieldsOf(contents.HasValue, beside)));
        return null;
    }

    private static string? FieldsOf(bool hasContent, List<FieldValue> beside)
    {
        var json = new JsonFields();
        json.Add("role", "\"\""u8);
        json.Add("content", hasContent ? "\"\""u8 : "null"u8);
        foreach (IGrouping<string, FieldValue> field in beside.GroupBy(f => f.Path[0]))
            json.Add(field.Key, JsonSerializer.SerializeToUtf8Bytes(Nested([.. field.Select(f => (f.Path[1..], f.Value!))])));
        return json.ToJson();
    }

    // Gives the value itself, or the struct that it is part of.
    private static JsonNode Nested(List<(string[] Path, JsonNode Value)> values)
    {
        if (values[0].Path.Length == 0)
            return values[0].Value;
        var fields = new JsonObject();
        foreach (IGrouping<string, (string[] Path, JsonNode Value)> field in values.GroupBy(v => v.Path[0]))
            fields[field.Key] = Nested([.. field.Select(f => (f.Path[1..], f.Value))]);
        return fields;
    }

    private static RowText ToRow(List<ChatMessage> messages, List<FieldValue> ofRow, long bytes)
    {
        if (messages.Count == 0)
            return RowText.Rejected(TextRejects.NoMessages);
        var json = new JsonFields();
        foreach (FieldValue field in ofRow)
        {
            string name = field.Path[0];
            if (field.Reject is not null)
                return Rejected(field);
            if (field.Path.Length > 1)
                return RowText.Rejected(TextRejects.NotCarried, $": '{name}' is a struct and not a list; write conversations with it as JSON Lines");
            if (ConversationReader.Add(json, name, JsonSerializer.SerializeToUtf8Bytes(field.Value)) is { } reject)
                return reject;
        }
        return new RowText("", messages, bytes) { Fields = json.ToJson() };
    }
}
