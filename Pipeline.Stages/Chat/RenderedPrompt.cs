using System.Text;

using Pipeline.Stages.Jinja;

namespace Pipeline.Stages.Chat;

/// <summary>
/// The prompt of one side as UTF-8. It says for each byte how much of the text that the sides share comes before it, and whose content or role it shows.
/// </summary>
internal sealed class RenderedPrompt
{
    /// <summary>Stands for a byte that shows no turn's content or role.</summary>
    public const int Nobody = -1;

    private RenderedPrompt(string text, byte[] bytes, int[] shared, int[] contentOf, int[] roleOf)
    {
        Text = text;
        Bytes = bytes;
        SharedBefore = shared;
        ContentOf = contentOf;
        RoleOf = roleOf;
    }

    public string Text { get; }

    public byte[] Bytes { get; }

    /// <summary>[bytes + 1] for each byte, and for the end, how many bytes of the shared text come before it.</summary>
    public int[] SharedBefore { get; }

    /// <summary>[bytes] the turn whose shared content the byte belongs to, or <see cref="Nobody"/>.</summary>
    public int[] ContentOf { get; }

    /// <summary>[bytes] the turn whose role the byte belongs to, or <see cref="Nobody"/>.</summary>
    public int[] RoleOf { get; }

    /// <summary>The numbers of the content characters that a prompt shows, in the order of the prompt.</summary>
    public static List<int> Shown(TracedText prompt, Conversation conversation)
    {
        List<int> shown = [];
        for (int i = 0; i < prompt.Length; i++)
        {
            if (prompt.Origin(i) >= 0 && conversation.IsContent(prompt.Origin(i)))
                shown.Add(prompt.Origin(i));
        }
        return shown;
    }

    /// <summary>The prompt as bytes.</summary>
    /// <param name="prompt">The rendered prompt.</param>
    /// <param name="conversation">The conversation that it was rendered from.</param>
    /// <param name="shared">The numbers of the content characters that every side shows, in ascending order.</param>
    public static RenderedPrompt Of(TracedText prompt, Conversation conversation, List<int> shared)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(prompt.Text);
        int[] before = new int[bytes.Length + 1], contentOf = new int[bytes.Length], roleOf = new int[bytes.Length];
        int at = 0, next = 0;
        for (int i = 0; i < prompt.Length;)
        {
            int characters = char.IsHighSurrogate(prompt.Text[i]) && i + 1 < prompt.Length ? 2 : 1;
            int width = Encoding.UTF8.GetByteCount(prompt.Text.AsSpan(i, characters));
            int origin = prompt.Origin(i);
            bool isShared = next < shared.Count && shared[next] == origin;
            int turn = origin < 0 ? Nobody : conversation.MessageOf(origin);
            bool isRole = turn != Nobody && !conversation.IsContent(origin);
            for (int b = at; b < at + width; b++)
            {
                before[b + 1] = before[b] + (isShared ? 1 : 0);
                contentOf[b] = isShared ? turn : Nobody;
                roleOf[b] = isRole ? turn : Nobody;
            }
            next += isShared ? characters : 0;
            at += width;
            i += characters;
        }
        return new RenderedPrompt(prompt.Text, bytes, before, contentOf, roleOf);
    }
}
