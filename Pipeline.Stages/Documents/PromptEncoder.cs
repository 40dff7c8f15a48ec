using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Jinja;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Documents;

/// <summary>
/// Encodes prompts and what follows them. A plain prompt gets the tokenizer's bos token in front, as documents do in training. A conversation is rendered
/// by the chat template, up to where the assistant's answer begins. For one thread at a time.
/// </summary>
internal sealed class PromptEncoder
{
    private readonly ChatSide _side;
    private readonly TextEncoder _encoder;
    private ChatTemplate? _template;

    /// <summary>Creates an encoder.</summary>
    /// <param name="side">The model's tokenizer and template.</param>
    public PromptEncoder(ChatSide side) => (_side, _encoder) = (side, side.Tokenizer.CreateEncoder());

    /// <summary>The text of a prompt.</summary>
    /// <exception cref="RejectedException">The template refuses the conversation.</exception>
    /// <exception cref="InputException">The prompt is a conversation, and the tokenizer has no chat template.</exception>
    public string Render(TextDocument prompt)
    {
        if (prompt.Messages is not { } messages)
            return prompt.Text;
        _template ??= ChatTemplate.Parse(
            _side.Template ?? throw new InputException($"{_side.Name} has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); conversations need one"), _side.Name);
        try
        {
            return _template.Render(new Conversation(messages, prompt.Fields), _side.Marks, addGenerationPrompt: true).Text;
        }
        catch (ChatTemplateException e)
        {
            throw new RejectedException(prompt.Id, "the template refuses the conversation", e.Message);
        }
    }

    /// <summary>The ids of a prompt and its continuation, which are tokenized together as one text.</summary>
    /// <param name="id">Named if the text cannot be used.</param>
    /// <param name="prompt">The prompt's text, see <see cref="Render"/>.</param>
    /// <param name="continuation">The text after it, which may be empty.</param>
    /// <exception cref="RejectedException">The tokens do not spell the text.</exception>
    public EncodedPrompt Encode(DocumentId id, string prompt, string continuation)
    {
        string whole = WellFormedText.Normalize(prompt + continuation);
        int promptBytes = Encoding.UTF8.GetByteCount(WellFormedText.Normalize(prompt));
        TokenSequence tokens;
        try
        {
            tokens = _encoder.EncodeDocument(whole, addBos: false, addEos: false);
        }
        catch (ByteViewException e)
        {
            throw new RejectedException(id, "byte views differ from the text", e.Message);
        }
        // Without a bos token, an empty prompt begins after the end of another text.
        int? mark = _side.Tokenizer.BosId ?? (promptBytes == 0 ? _side.Tokenizer.EosId : null);
        bool isMarked = mark is { } first && (tokens.Count == 0 || tokens.Ids[0] != first);
        int[] ids = isMarked ? [mark!.Value, .. tokens.Ids] : tokens.Ids;
        int at = Array.FindIndex(tokens.ByteEnds, end => end > promptBytes);
        int begins = (at < 0 ? tokens.Count : at) + (isMarked ? 1 : 0);
        bool isShared = at > 0 && tokens.ByteEnds[at - 1] < promptBytes;
        return new EncodedPrompt(ids, begins, isShared || (at == 0 && promptBytes > 0));
    }
}

/// <summary>A prompt and its continuation as ids.</summary>
/// <param name="Ids">The ids, including special tokens.</param>
/// <param name="Begins">The index of the first token that has bytes of the continuation, or the number of ids if none does.</param>
/// <param name="IsShared">Whether that token begins with bytes of the prompt.</param>
internal readonly record struct EncodedPrompt(int[] Ids, int Begins, bool IsShared);
