using System.Text;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Text.Columns;

namespace Pipeline.Stages.Text;

/// <summary>A column of conversations: a list of structs, of which role and content are read side by side.</summary>
internal sealed class MessagesColumn(string name, LeafColumn role, LeafColumn content, int maxDocumentBytes) : TextColumn(name, maxDocumentBytes)
{
    public static MessagesColumn Find(ColumnFileReader reader, string name, int maxDocumentBytes)
    {
        LeafColumn[] leaves = [.. reader.File.Leaves.Where(l => l.Top == name)];
        if (leaves.Length == 0)
            throw Missing(reader, name);
        LeafColumn? role = leaves.FirstOrDefault(l => l.Name == "role"), content = leaves.FirstOrDefault(l => l.Name == "content");
        if (role is null || content is null || role.MaxRepetition != 1 || content.MaxRepetition != 1
            || !role.Path.SkipLast(1).SequenceEqual(content.Path.SkipLast(1)))
        {
            throw new InputException(
                $"{reader.Path}: column '{name}' is not a list of structs with 'role' and 'content'; it holds {string.Join(", ", leaves.Select(l => $"'{l}'"))}");
        }
        CheckIsText(reader, role);
        CheckIsText(reader, content);
        return new MessagesColumn(name, role, content, maxDocumentBytes);
    }

    public override IEnumerable<RowText> Read(ColumnFileReader reader, int group, long first, long end)
    {
        ColumnReader roles = reader.OpenColumn(group, role), contents = reader.OpenColumn(group, content);
        bool more = Step(roles, contents);
        if (more && roles.Repetition != 0)
            throw new ColumnFormatException("its first row begins in the middle");
        for (long row = 0; row < end; row++)
        {
            if (!more)
                throw new ColumnFormatException("it has fewer lists than its row group has rows");
            bool isWanted = row >= first;
            var messages = new List<ChatMessage>();
            string? reject = null;
            long bytes = 0;
            do
            {
                // Below this level the list is null or has no element.
                if (isWanted && reject is null && roles.Definition >= role.RepeatedDefinition)
                    reject = Take(roles, contents, messages, ref bytes);
                more = Step(roles, contents);
            }
            while (more && roles.Repetition > 0);
            if (isWanted)
                yield return ToRow(reject, messages, bytes);
        }
    }

    private static bool Step(ColumnReader roles, ColumnReader contents)
    {
        bool more = roles.Read();
        if (more != contents.Read() || (more && roles.Repetition != contents.Repetition))
            throw new ColumnFormatException("roles and contents do not have the same lists");
        return more;
    }

    private string? Take(ColumnReader roles, ColumnReader contents, List<ChatMessage> messages, ref long bytes)
    {
        if (!roles.HasValue || !contents.HasValue)
            return TextRejects.IncompleteMessage;
        ReadOnlySpan<byte> text = contents.Value, speaker = roles.Value;
        bytes += text.Length + speaker.Length;
        if (bytes > MaxDocumentBytes)
            return TextRejects.TooLong;
        if (!Utf8.IsValid(text) || !Utf8.IsValid(speaker))
            return TextRejects.NotUtf8;
        messages.Add(new ChatMessage(Encoding.UTF8.GetString(speaker), Encoding.UTF8.GetString(text)));
        return null;
    }

    private RowText ToRow(string? reject, List<ChatMessage> messages, long bytes)
    {
        if (reject is not null)
            return RowText.Rejected(reject, reject == TextRejects.TooLong ? TooLongDetail(bytes) : "");
        return messages.Count == 0 ? RowText.Rejected(TextRejects.NoMessages) : new RowText("", messages, bytes);
    }
}
