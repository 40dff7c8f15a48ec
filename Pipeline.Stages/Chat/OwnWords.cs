using Pipeline.Stages.Jinja;

namespace Pipeline.Stages.Chat;

/// <summary>
/// Finds what an assistant writes besides the text that both sides share: calls of tools, and thoughts that the other side does not show. It is in no
/// chunk. But the assistant wrote it, so it counts in the loss if that is on what the assistant says. What a tool answers does not.
/// </summary>
internal static class OwnWords
{
    /// <summary>
    /// One span of the prompt, [start, end) in bytes, for each turn of the assistant that has more fields than role and content. It begins after the generation
    /// prompt and ends where the next turn begins. Some templates render the beginning of a conversation differently from the whole, which hides these two
    /// places. The span is then that of the fields' own text.
    /// </summary>
    /// <param name="prompt">The rendered prompt.</param>
    /// <param name="conversation">The conversation that it was rendered from.</param>
    /// <param name="render">Renders the first turns of it, with or without a generation prompt after them.</param>
    public static List<(int Turn, int Start, int End)> Find(TracedText prompt, Conversation conversation, Func<Conversation, bool, TracedText> render)
    {
        List<(int Turn, int Start, int End)> spans = [];
        for (int turn = 0; turn < conversation.Messages.Count; turn++)
        {
            if (conversation.Messages[turn] is not { Role: "assistant", Fields: not null } || Shown(prompt, conversation, turn) is not { } shown)
                continue;
            int? start = LengthOf(conversation.Take(turn), true), end = LengthOf(conversation.Take(turn + 1), false);
            spans.Add(start is { } from && end is { } to && from <= shown.Start && to >= shown.End
                ? (turn, Bytes(from), Bytes(to))
                : (turn, Bytes(shown.Start), Bytes(shown.End)));
        }
        return spans;

        int Bytes(int characters) => System.Text.Encoding.UTF8.GetByteCount(prompt.Text.AsSpan(0, characters));

        int? LengthOf(Conversation beginning, bool addGenerationPrompt)
        {
            try
            {
                string rendered = render(beginning, addGenerationPrompt).Text;
                return prompt.Text.StartsWith(rendered, StringComparison.Ordinal) ? rendered.Length : null;
            }
            catch (ChatTemplateException)
            {
                return null;
            }
        }
    }

    /// <summary>From the first to the last character that the template took from a turn's fields and content. Null if it took none.</summary>
    private static (int Start, int End)? Shown(TracedText prompt, Conversation conversation, int turn)
    {
        int start = -1, end = -1;
        for (int i = 0; i < prompt.Length; i++)
        {
            int origin = prompt.Origin(i);
            bool isOwn = origin >= 0 ? conversation.IsContent(origin) && conversation.MessageOf(origin) == turn : TracedText.TurnOf(origin) == turn;
            if (!isOwn)
                continue;
            start = start < 0 ? i : start;
            end = i + 1;
        }
        return start < 0 ? null : (start, end);
    }
}
