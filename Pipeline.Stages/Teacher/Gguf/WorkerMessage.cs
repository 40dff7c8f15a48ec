namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// The kinds of messages between this process and the one that runs llama.cpp. Each is described by its payload. <see cref="GgufWorkerClient"/> sends the
/// requests, and has a method for each.
/// </summary>
public enum WorkerMessage : byte
{
    /// <summary>Opens a file. The payload is its path, the number of threads, the tokens of a chunk, and whether only the vocabulary is needed.</summary>
    Open = 1,

    /// <summary>Asks for the bytes of every token. There is no payload.</summary>
    Tokens = 2,

    /// <summary>Says which tokens are boundary tokens. The payload is a count and one byte for each token, which is 1 for a boundary token.</summary>
    Boundary = 3,

    /// <summary>Asks for the scores of a row. The payload is whether <see cref="Weights"/> are wanted too, and the row's ids.</summary>
    Score = 4,

    /// <summary>Asks for the logits after each token of a row. The payload is the row's ids.</summary>
    Logits = 5,

    /// <summary>Tokenizes a text. The payload is whether special tokens are added, whether those in the text are recognized, and the text.</summary>
    Tokenize = 6,

    /// <summary>Asks for the ids of the tokens that end a text. There is no payload.</summary>
    Ends = 7,

    /// <summary>
    /// Asks for the logits after the last token of a row. The payload is whether keys and values of the previous request may be used, and the row's ids.
    /// </summary>
    NextLogits = 8,

    /// <summary>
    /// Comes before the answer to <see cref="Score"/>, once for each id of the row in turn. The payload is numbers proportional to the probabilities of the
    /// next token, one for each token that <see cref="Boundary"/> told about.
    /// </summary>
    Weights = 99,

    /// <summary>The answer to a request, which ends it.</summary>
    Answer = 100,

    /// <summary>There is no answer. The payload is a text that says why. The process can still be asked.</summary>
    Refusal = 101,
}
