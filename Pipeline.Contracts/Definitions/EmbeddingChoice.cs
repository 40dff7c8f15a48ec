using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Definitions;

/// <summary>A student's key <c>embeddings</c>, after reading.</summary>
/// <param name="Kind">How the embeddings are initialized.</param>
/// <param name="Folder">The folder of the hypernetwork; null for every other kind.</param>
public readonly record struct EmbeddingChoice(EmbeddingInitialisation Kind, string? Folder)
{
    /// <summary>A regular expression that matches every valid value.</summary>
    public const string Pattern = "^(fvt|mean|random|omp|focus|keep|hypernetwork:.+)$";

    private const string Hypernetwork = "hypernetwork:";

    /// <summary>Reads a value of the key.</summary>
    /// <exception cref="DefinitionException">It is not one of the valid values.</exception>
    public static EmbeddingChoice Parse(string text) => text switch
    {
        "fvt" => new(EmbeddingInitialisation.Fvt, null),
        "mean" => new(EmbeddingInitialisation.Mean, null),
        "random" => new(EmbeddingInitialisation.Random, null),
        "omp" => new(EmbeddingInitialisation.Omp, null),
        "focus" => new(EmbeddingInitialisation.Focus, null),
        "keep" => new(EmbeddingInitialisation.Keep, null),
        _ when text.StartsWith(Hypernetwork, StringComparison.Ordinal) && text.Length > Hypernetwork.Length
            => new(EmbeddingInitialisation.Hypernetwork, text[Hypernetwork.Length..]),
        _ => throw new DefinitionException($"embeddings is '{text}'; expected fvt, mean, random, omp, focus, keep or {Hypernetwork}FOLDER"),
    };
}

/// <summary>How the embeddings of a new vocabulary are initialized; see the key's description in <see cref="StudentDefinition.Embeddings"/>.</summary>
public enum EmbeddingInitialisation
{
    Fvt,
    Mean,
    Random,
    Omp,
    Focus,
    Hypernetwork,
    Keep,
}
