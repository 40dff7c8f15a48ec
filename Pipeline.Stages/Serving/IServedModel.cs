using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Serving;

/// <summary>What a server answers from: a model, or several that answer as one. Safe for many callers at once.</summary>
public interface IServedModel : IAsyncDisposable
{
    /// <summary>As requests name it.</summary>
    string Name { get; }

    /// <summary>The tokens that callers count in: the models' own, or bytes where they have several.</summary>
    TextTokenizer Tokenizer { get; }

    /// <summary>Tokens that end an answer.</summary>
    IReadOnlySet<int> Ends { get; }

    /// <summary>Ids from here on are none of the model's.</summary>
    int Rows { get; }

    /// <summary>Tokens of a prompt and its answer together.</summary>
    int MaxLength { get; }

    /// <summary>The chat template's source; null where there is none.</summary>
    string? Template { get; }

    /// <summary>A text with the bos token in front, where there is one.</summary>
    ServedPrompt Prompt(string text);

    /// <summary>Ids as they are.</summary>
    /// <exception cref="InputException">The model cannot take them.</exception>
    ServedPrompt Prompt(int[] ids);

    /// <summary>A conversation through the members' own templates, up to where the answer begins.</summary>
    /// <exception cref="InputException">There is no template, or it refuses the conversation.</exception>
    ServedPrompt Chat(IReadOnlyList<ChatMessage> messages);

    /// <summary>The text of the answer's ids after the prompt; an unfinished character at the end is U+FFFD.</summary>
    Func<IReadOnlyList<int>, string> Decoder(ServedPrompt prompt);

    /// <summary>A position for each token of the prompt, and one after it.</summary>
    /// <param name="prompt">Not empty.</param>
    /// <param name="top">How many of the most likely tokens are listed.</param>
    /// <param name="cancellationToken">The caller went away.</param>
    Task<IReadOnlyList<ServedPosition>> ScoreAsync(ServedPrompt prompt, int top, CancellationToken cancellationToken);

    /// <summary>An answer, token by token.</summary>
    /// <param name="prompt">Not empty.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="stream">Which of the draws of one seed.</param>
    /// <param name="top">How many of the most likely tokens are listed; null: not even the chosen one's log-probability.</param>
    /// <param name="cancellationToken">The caller went away, or has enough.</param>
    IAsyncEnumerable<ServedToken> GenerateAsync(ServedPrompt prompt, GenerationOptions options, int stream, int? top, CancellationToken cancellationToken);
}
