using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;

namespace Pipeline.Stages.Serving;

/// <summary>A model that is served, with its chat template.</summary>
public sealed class ServedMember
{
    private readonly ChatSide _side;

    /// <summary>Reads the chat template.</summary>
    /// <param name="member">The model, which stays the caller's.</param>
    /// <param name="templatePath">The folder, or the tokenizer.json, next to which the chat template is.</param>
    /// <param name="storage">Where it is read from.</param>
    public ServedMember(ByteMember member, string templatePath, IStorage storage)
    {
        Member = member;
        _side = new ChatSide(member.Model.Tokenizer, $"model '{member.Model.Name}'", ChatTemplate.Find(templatePath, storage));
    }

    public ByteMember Member { get; }

    /// <summary>The source of the chat template; null where there is none.</summary>
    public string? Template => _side.Template;

    /// <summary>The ids of a text, with the bos token in front if there is one.</summary>
    public int[] Encode(string text) => [.. Continuation.Encode(Member.Model.Tokenizer, text)];

    /// <summary>The ids of a conversation up to where the answer begins, and its text.</summary>
    /// <exception cref="InputException">There is no template, or it refuses the conversation.</exception>
    public (int[] Ids, string Text) Chat(IReadOnlyList<ChatMessage> messages)
    {
        try
        {
            string text = new PromptEncoder(_side).Render(new TextDocument(default, "") { Messages = messages });
            return (Encode(text), text);
        }
        catch (RejectedException e)
        {
            throw new InputException($"model '{Member.Model.Name}': {e.Message}", e);
        }
    }
}
