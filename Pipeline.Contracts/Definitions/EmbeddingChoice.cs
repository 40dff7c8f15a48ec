using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Definitions;

/// <summary>A student's <c>embeddings</c>, read: what it is, and the folder of a hypernetwork.</summary>
public readonly record struct EmbeddingChoice(EmbeddingInitialisation Kind, string? Folder)
{
    /// <summary>What a definition may say.</summary>
    public const string Pattern = "^(fvt|mean|random|omp|focus|keep|hypernetwork:.+)$";

    private const string Hypernetwork = "hypernetwork:";

    /// <exception cref="DefinitionException">It is not one of the words.</exception>
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

/// <summary>How embeddings of a new vocabulary are initialized.</summary>
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
