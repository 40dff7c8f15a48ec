namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>What a frame between this process and the one that runs llama.cpp is. Names of the payloads: <see cref="GgufWorkerClient"/>.</summary>
public enum WorkerMessage : byte
{
    /// <summary>Path, threads, tokens of a chunk, whether the vocabulary is enough.</summary>
    Open = 1,

    /// <summary>Nothing: asks for the bytes of every token.</summary>
    Tokens = 2,

    /// <summary>One byte per row of the head that a token has: 1 for a boundary token.</summary>
    Boundary = 3,

    /// <summary>Whether every distribution is wanted too; ids of a row.</summary>
    Score = 4,

    /// <summary>Ids of a row: asks for the logits after each.</summary>
    Logits = 5,

    /// <summary>Whether special tokens are added; whether those in the text are recognized; the text.</summary>
    Tokenize = 6,

    /// <summary>Nothing: asks for the ids that end a text.</summary>
    Ends = 7,

    /// <summary>Whether keys and values of the request before may be used; ids of a row: asks for the logits after the last.</summary>
    NextLogits = 8,

    /// <summary>
    /// Before the answer to <see cref="Score"/>, once for each id in turn: numbers proportional to the probabilities of what follows it, one for
    /// every row of the head that a token has.
    /// </summary>
    Weights = 99,

    /// <summary>The answer to any of them.</summary>
    Answer = 100,

    /// <summary>Text: why there is no answer. The process continues.</summary>
    Refusal = 101,
}
