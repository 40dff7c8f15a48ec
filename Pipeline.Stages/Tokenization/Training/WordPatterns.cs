using Pipeline.Stages.Tokenization.Reading;

namespace Pipeline.Stages.Tokenization.Training;

/// <summary>The regular expressions of <see cref="WordPattern"/>.</summary>
internal static class WordPatterns
{
    private const string Before = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|";
    private const string After = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static string Regex(WordPattern pattern) => pattern switch
    {
        WordPattern.Gpt2 => PreTokenizerReader.ByteLevelRegex,
        WordPattern.Llama3 => $@"{Before}\p{{N}}{{1,3}}{After}",
        WordPattern.Qwen2 => $@"{Before}\p{{N}}{After}",
        _ => throw new ArgumentOutOfRangeException(nameof(pattern), pattern, "no such pattern"),
    };
}
