using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Writing;

/// <summary>Makes a prompt of a single turn of a user.</summary>
public static class ChatPrompt
{
    /// <summary>Renders a user's turn with a folder's chat template, up to where the assistant's answer begins.</summary>
    /// <exception cref="InputException">The folder has no chat template, or it refuses the turn.</exception>
    public static string OfUser(string folder, TextTokenizer tokenizer, string text, IStorage storage)
    {
        try
        {
            return new PromptEncoder(new ChatSide(tokenizer, folder, ChatTemplate.Find(folder, storage)))
                .Render(new TextDocument(default, "", [new ChatMessage("user", text)]));
        }
        catch (RejectedException e)
        {
            throw new InputException($"{folder}: {e.Reason}: {e.Message}", e);
        }
    }
}
