using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Chat;

/// <summary>What part of a prompt a token stands for.</summary>
internal enum PromptTokenKind
{
    /// <summary>Content. Spaces of the template that the tokenizer joins to the word after them may be in front; they count like an inserted space.</summary>
    Text,

    /// <summary>Text of the template only.</summary>
    Template,

    /// <summary>Content together with text of the template, or content of two turns. It belongs to neither.</summary>
    Mixed,
}

/// <summary>A token of a prompt, with the bytes [Start, End) that it covers.</summary>
internal readonly record struct PromptToken(int Start, int End, PromptTokenKind Kind, bool IsMark);

/// <summary>Finds the bytes that a prompt's tokens cover, from their byte views.</summary>
internal static class PromptTokens
{
    /// <summary>The places of the tokens. Null if the byte views do not make up the prompt.</summary>
    public static PromptToken[]? Locate(RenderedPrompt prompt, IReadOnlyList<int> ids, TextTokenizer tokenizer)
    {
        PromptToken[] tokens = new PromptToken[ids.Count];
        int at = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            ReadOnlySpan<byte> view = tokenizer.ByteView(ids[i]);
            if (Find(prompt, view, at) is not { } range)
                return null;
            tokens[i] = new PromptToken(range.Start, range.End, KindOf(prompt, range.Start, range.End), tokenizer.IsMark(ids[i]));
            at = range.End;
        }
        while (at < prompt.Bytes.Length && IsSkippable(prompt, at))
            at++;
        return at == prompt.Bytes.Length ? tokens : null;
    }

    private static (int Start, int End)? Find(RenderedPrompt prompt, ReadOnlySpan<byte> view, int at)
    {
        ReadOnlySpan<byte> bytes = prompt.Bytes;
        if (bytes[at..].StartsWith(view))
            return (at, at + view.Length);
        if (view is [(byte)' ', .. var word] && bytes[at..].StartsWith(word))
            return (at, at + word.Length);
        // An added token may take the white space next to it without spelling it.
        while (at < bytes.Length && IsSkippable(prompt, at))
        {
            at++;
            if (bytes[at..].StartsWith(view))
                return (at, at + view.Length);
        }
        return null;
    }

    private static bool IsSkippable(RenderedPrompt prompt, int at)
        => prompt.ContentOf[at] == RenderedPrompt.Nobody && prompt.Bytes[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private static PromptTokenKind KindOf(RenderedPrompt prompt, int start, int end)
    {
        int content = prompt.SharedBefore[end] - prompt.SharedBefore[start];
        if (content == 0)
            return PromptTokenKind.Template;
        for (int b = start; b < end; b++)
        {
            if (prompt.ContentOf[b] == RenderedPrompt.Nobody && prompt.Bytes[b] != (byte)' ')
                return PromptTokenKind.Mixed;
        }
        return prompt.ContentOf[end - 1] == RenderedPrompt.Nobody || FirstTurn(prompt, start, end) != prompt.ContentOf[end - 1]
            ? PromptTokenKind.Mixed
            : PromptTokenKind.Text;
    }

    private static int FirstTurn(RenderedPrompt prompt, int start, int end)
    {
        while (start < end - 1 && prompt.ContentOf[start] == RenderedPrompt.Nobody)
            start++;
        return prompt.ContentOf[start];
    }
}
