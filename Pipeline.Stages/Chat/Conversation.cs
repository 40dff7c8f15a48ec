using Pipeline.Contracts.Records;
using Pipeline.Stages.Chat.Templates;

namespace Pipeline.Stages.Chat;

/// <summary>
/// Turns whose characters are numbered, so that a rendered prompt can say which of them it shows: first each turn's role, then its
/// content. The text must be well-formed and NFC already.
/// </summary>
internal sealed class Conversation
{
    private readonly int[] _contentStarts;

    public Conversation(IReadOnlyList<ChatMessage> messages)
    {
        Messages = messages;
        _contentStarts = new int[messages.Count];
        int origin = 0;
        for (int m = 0; m < messages.Count; m++)
        {
            _contentStarts[m] = origin + messages[m].Role.Length;
            origin = _contentStarts[m] + messages[m].Content.Length;
        }
    }

    public IReadOnlyList<ChatMessage> Messages { get; }

    /// <summary>UTF-16 units of all roles and contents.</summary>
    public long Characters => Messages.Sum(m => (long)m.Role.Length + m.Content.Length);

    /// <summary>Which turn a character belongs to.</summary>
    public int MessageOf(int origin)
    {
        int found = Array.BinarySearch(_contentStarts, origin);
        if (found >= 0)
        {
            // An empty content and the next role share their first number: the last turn that begins there owns it.
            while (found + 1 < _contentStarts.Length && _contentStarts[found + 1] == origin)
                found++;
            return found;
        }
        int next = ~found;
        return next > 0 && origin < _contentStarts[next - 1] + Messages[next - 1].Content.Length ? next - 1 : next;
    }

    public bool IsContent(int origin)
    {
        int message = MessageOf(origin);
        return origin >= _contentStarts[message] && origin < _contentStarts[message] + Messages[message].Content.Length;
    }

    /// <summary>The first turns.</summary>
    public Conversation Take(int count) => new([.. Messages.Take(count)]);

    public List<object?> ToTemplate() => [.. Messages.Select((message, m) => (object?)new TemplateDictionary
    {
        ["role"] = TracedText.Source(message.Role, _contentStarts[m] - message.Role.Length),
        ["content"] = TracedText.Source(message.Content, _contentStarts[m]),
    })];
}
