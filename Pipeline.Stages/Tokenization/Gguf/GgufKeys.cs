namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>The keys of a GGUF's metadata that describe its tokenizer, and the types of its tokens.</summary>
internal static class GgufKeys
{
    public const string Model = "tokenizer.ggml.model";
    public const string Pre = "tokenizer.ggml.pre";
    public const string Tokens = "tokenizer.ggml.tokens";
    public const string Types = "tokenizer.ggml.token_type";
    public const string Scores = "tokenizer.ggml.scores";
    public const string Merges = "tokenizer.ggml.merges";
    public const string SpacePrefix = "tokenizer.ggml.add_space_prefix";
    public const string Bos = "tokenizer.ggml.bos_token_id";
    public const string Eos = "tokenizer.ggml.eos_token_id";
    public const string Pad = "tokenizer.ggml.padding_token_id";
    public const string Unknown = "tokenizer.ggml.unknown_token_id";
    public const string AddBos = "tokenizer.ggml.add_bos_token";
    public const string AddEos = "tokenizer.ggml.add_eos_token";
    public const string ChatTemplate = "tokenizer.chat_template";

    /// <summary>Byte-level BPE: tokens in the byte alphabet, merges, and the name of a pre-tokenizer.</summary>
    public const string ByteLevel = "gpt2";

    /// <summary>SentencePiece's BPE: tokens with ▁ for spaces, scores in place of merges, and bytes for characters without a token.</summary>
    public const string SentencePiece = "llama";

    public const int Normal = 1, UnknownType = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;
}
