using Pipeline.Contracts.Records;
using Pipeline.Stages.Jinja;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Chat;

/// <summary>
/// A conversation whose characters are numbered, so that a rendered prompt can tell which of them it shows. The numbers count, for each turn, its role,
/// its thoughts (<c>reasoning_content</c>) and then its content; the latter two are well-formed and NFC. Of the text in its other fields, such as
/// <c>tool_calls</c>, only the turn is known: every template writes these in a form of its own.
/// </summary>
internal sealed class Conversation
{
    private static readonly string[] Thoughts = ["reasoning_content", "reasoning", "thinking"];

    // By turn, the number of the first character of what it says, and what it says: its thoughts and its content.
    private readonly int[] _contentStarts;
    private readonly string[] _said;
    private readonly TemplateDictionary[] _turns;

    /// <summary>Numbers the characters of a conversation.</summary>
    /// <param name="messages">The turns.</param>
    /// <param name="fields">JSON of an object with <c>tools</c> and <c>documents</c>, or null.</param>
    public Conversation(IReadOnlyList<ChatMessage> messages, string? fields = null)
    {
        Messages = [.. messages.Select(m => m with { Content = WellFormedText.Normalize(m.Content) })];
        Fields = fields;
        _contentStarts = new int[messages.Count];
        _said = new string[messages.Count];
        _turns = new TemplateDictionary[messages.Count];
        int origin = 0;
        for (int m = 0; m < messages.Count; m++)
        {
            _turns[m] = ToTemplate(m, origin);
            _contentStarts[m] = origin + Messages[m].Role.Length;
            origin = _contentStarts[m] + _said[m].Length;
        }
    }

    public IReadOnlyList<ChatMessage> Messages { get; }

    public string? Fields { get; }

    /// <summary>The number of UTF-16 units of everything that a template is given.</summary>
    public long Characters => Messages.Select((m, i) => (long)m.Role.Length + _said[i].Length + (m.Fields?.Length ?? 0)).Sum() + (Fields?.Length ?? 0);

    /// <summary>The turn that a numbered character belongs to.</summary>
    public int MessageOf(int origin)
    {
        int found = Array.BinarySearch(_contentStarts, origin);
        if (found >= 0)
        {
            // After an empty content, the next role begins with the same number. The character belongs to the last turn with that number.
            while (found + 1 < _contentStarts.Length && _contentStarts[found + 1] == origin)
                found++;
            return found;
        }
        int next = ~found;
        return next > 0 && origin < _contentStarts[next - 1] + _said[next - 1].Length ? next - 1 : next;
    }

    /// <summary>Whether a numbered character belongs to a turn's thoughts or content, and not to its role.</summary>
    public bool IsContent(int origin)
    {
        int message = MessageOf(origin);
        return origin >= _contentStarts[message] && origin < _contentStarts[message] + _said[message].Length;
    }

    /// <summary>The conversation's first turns.</summary>
    public Conversation Take(int count) => new([.. Messages.Take(count)], Fields);

    /// <summary>The turns as the variable <c>messages</c> of a template.</summary>
    public List<object?> ToTemplate() => [.. _turns];

    private TemplateDictionary ToTemplate(int m, int origin)
    {
        ChatMessage message = Messages[m];
        TracedText role = TracedText.Source(message.Role, origin);
        origin += role.Length;
        if (message.Fields is null)
        {
            _said[m] = message.Content;
            return new TemplateDictionary { ["role"] = role, ["content"] = TracedText.Source(message.Content, origin) };
        }
        TemplateDictionary turn = TemplateData.Parse(message.Fields, text => TracedText.OfTurn(text, m));
        string thought = "";
        if (Thoughts.FirstOrDefault(t => turn.TryGet(t, out object? value) && value is TracedText) is { } key)
        {
            thought = ((TracedText)turn[key]!).Text;
            turn[key] = TracedText.Source(thought, origin);
        }
        _said[m] = thought + message.Content;
        turn["role"] = role;
        if (turn.TryGet("content", out object? content) && content is not null)
            turn["content"] = TracedText.Source(message.Content, origin + thought.Length);
        return turn;
    }
}
