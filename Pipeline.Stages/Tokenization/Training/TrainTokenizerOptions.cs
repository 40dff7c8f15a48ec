using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Training;

/// <summary>Options of <c>train-tokenizer</c>.</summary>
internal sealed record TrainTokenizerOptions : IValidatableObject
{
    [Description("Total number of tokens: 256 bytes, the merges, and the special tokens. There are fewer if the text has no more to merge.")]
    [Range(257, 1_000_000)]
    public required int VocabularySize { get; init; }

    [Description("Special tokens. They get the ids after all others and are never split or merged.")]
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    [Description("The special token that begins a text; encoding with special tokens adds it. Null: none.")]
    public string? Bos { get; init; }

    [Description("The special token that ends a text. Null: none.")]
    public string? Eos { get; init; }

    [Description("The special token that fills batches. Null: none.")]
    public string? Pad { get; init; }

    [Description("A pair is merged only if it occurs at least this often.")]
    [Range(1, int.MaxValue)]
    public int MinFrequency { get; init; } = 2;

    [Description("How text is split into words, which no token crosses: gpt2, llama3 (digits in threes) or qwen2 (single digits, NFC).")]
    public WordPattern Pattern { get; init; } = WordPattern.Llama3;

    [Description("The folder for tokenizer.json and tokenizer_config.json, inside the run folder.")]
    public required string To { get; init; }

    /// <summary>All special tokens. Bos, eos and pad are included even if only their own options name them.</summary>
    internal IReadOnlyList<string> Specials => [.. SpecialTokens.Concat(new[] { Bos, Eos, Pad }.OfType<string>()).Distinct(StringComparer.Ordinal)];

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        int least = 256 + Specials.Count;
        if (VocabularySize < least)
            yield return new ValidationResult($"'vocabularySize' is {VocabularySize}, less than 256 bytes and {Specials.Count} special tokens; give at least {least}", [nameof(VocabularySize)]);
        if (Specials.Any(s => s.Length == 0 || !WellFormedText.IsWellFormed(s)))
            yield return new ValidationResult("'specialTokens', 'bos', 'eos', 'pad': a special token is empty or contains half a surrogate pair", [nameof(SpecialTokens)]);
    }
}

/// <summary>The regular expressions by which well-known families of tokenizers split text.</summary>
internal enum WordPattern
{
    Gpt2,
    Llama3,
    Qwen2,
}
