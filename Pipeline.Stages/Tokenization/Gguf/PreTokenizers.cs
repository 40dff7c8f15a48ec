using Pipeline.Stages.Tokenization.Reading;

namespace Pipeline.Stages.Tokenization.Gguf;

/// <summary>
/// The pre-tokenizers of llama.cpp that this program's own pre-tokenizers can reproduce. The names are those of <c>tokenizer.ggml.pre</c> in the vocabulary
/// loader of llama.cpp at commit 815a2a5. A GGUF holds only such a name, and no regular expression, so each program must know what it means.
/// </summary>
internal static class PreTokenizers
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Words = @"[^\r\n\p{L}\p{N}]?\p{L}+";
    private const string Rest = @" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string CasedWords = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+";
    private const string CapitalWords = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*";
    private const string PathRest = @" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static IReadOnlyList<PreTokenizer> All { get; } =
    [
        new([$@"{Contractions}|{Words}|\p{{N}}{{1,3}}|{Rest}"], ["smaug-bpe", "dbrx", "glm4", "chatglm-bpe"],
            ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"]),
        new([$@"{Contractions}|{Words}|\p{{N}}|{Rest}"], ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan", "stablelm2", "solar-open", "grok-2"], []),
        new([$@"{Contractions}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"], ["qwen35"], []),
        new([PreTokenizerReader.ByteLevelRegex],
            ["gpt-2", "phi-2", "mpt", "olmo", "jais", "modern-bert", "exaone4", "a.x-4.0", "gigachat", "mellum", "trillion", "granite-docling", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de"], []),
        new([@"\p{N}", PreTokenizerReader.ByteLevelRegex], ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"], []),
        new([@"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
            ["deepseek-v3", "hunyuan-dense", "joyai-llm"], []),
        new([$@"{CasedWords}{Contractions}?|{CapitalWords}{Contractions}?|\p{{N}}{{1,3}}|{PathRest}"], ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], []),
        new([$@"{CasedWords}|{CapitalWords}|\p{{N}}|{PathRest}"], [], ["tekken"]),
    ];

    /// <summary>
    /// Names that llama.cpp loads and that cannot be reproduced here. The folder of the model's own tokenizer must be given with such a file.
    /// </summary>
    public static IReadOnlyList<string> Others { get; } =
    [
        "default", "minicpm5", "deepseek-llm", "deepseek-coder", "youtu", "falcon", "jais-2", "gemma4", "granite-embed-multi-311m", "sarvam-moe", "jina-v1-en", "jina-v2-code",
        "roberta-bpe", "whitespace", "poro-chat", "viking", "bloom", "gpt3-finnish", "exaone-moe", "chameleon", "granite-embed-multi-97m", "tiny_aya", "superbpe", "bailingmoe",
        "bailingmoe2", "llada-moe", "seed-coder", "kimi-k2", "afmoe",
    ];

    /// <summary>Whether text gets the bos token under this name if the file does not say.</summary>
    public static bool AddsBos(string name) => name is "tekken" or "chameleon" || Find("llama-bpe")!.Ignoring.Contains(name);

    public static PreTokenizer? Find(string name) => All.FirstOrDefault(p => p.Ignores(name) is not null);

    public static PreTokenizer? OfPatterns(IEnumerable<string> patterns) => All.FirstOrDefault(p => p.Patterns.SequenceEqual(patterns));

    public static bool IsKnown(string name) => Find(name) is not null || Others.Contains(name);
}
