using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Serving;

/// <summary>A model that a server answers with, or several that answer as one. Can be called by many callers at once.</summary>
public interface IServedModel : IAsyncDisposable
{
    /// <summary>The name that requests use.</summary>
    string Name { get; }

    /// <summary>The tokenizer in whose ids callers and model talk: the members' own, or bytes where the members have different ones.</summary>
    TextTokenizer Tokenizer { get; }

    /// <summary>The tokens that end an answer.</summary>
    IReadOnlySet<int> Ends { get; }

    /// <summary>The number of ids: they are below this.</summary>
    int Rows { get; }

    /// <summary>How many tokens a prompt and its answer may have together.</summary>
    int MaxLength { get; }

    /// <summary>The source of the chat template; null where there is none.</summary>
    string? Template { get; }

    /// <summary>Makes a prompt of a text, with the bos token in front if there is one.</summary>
    ServedPrompt Prompt(string text);

    /// <summary>Makes a prompt of ids, to which nothing is added.</summary>
    /// <exception cref="InputException">The model cannot take these ids.</exception>
    ServedPrompt Prompt(int[] ids);

    /// <summary>Makes a prompt of a conversation, rendered by each member's own chat template, up to where the answer begins.</summary>
    /// <exception cref="InputException">There is no template, or it refuses the conversation.</exception>
    ServedPrompt Chat(IReadOnlyList<ChatMessage> messages);

    /// <summary>A function that turns the ids of an answer to this prompt into text. An unfinished character at the end becomes U+FFFD.</summary>
    Func<IReadOnlyList<int>, string> Decoder(ServedPrompt prompt);

    /// <summary>Scores a prompt: one position for each of its tokens, and one for the token after them.</summary>
    /// <param name="prompt">A prompt that is not empty.</param>
    /// <param name="top">How many of the most likely tokens are listed at each position; some may list more.</param>
    /// <param name="cancellationToken">Signalled when the caller no longer waits.</param>
    Task<IReadOnlyList<ServedPosition>> ScoreAsync(ServedPrompt prompt, int top, CancellationToken cancellationToken);

    /// <summary>Answers a prompt, token by token.</summary>
    /// <param name="prompt">A prompt that is not empty.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="stream">Tells apart the random draws of answers with the same seed.</param>
    /// <param name="top">How many of the most likely tokens are listed with each token. Null: not even the log-probability of the chosen token.</param>
    /// <param name="cancellationToken">Signalled when the caller no longer waits or has enough.</param>
    IAsyncEnumerable<ServedToken> GenerateAsync(ServedPrompt prompt, GenerationOptions options, int stream, int? top, CancellationToken cancellationToken);
}
