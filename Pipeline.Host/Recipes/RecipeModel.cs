using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Host.Recipes;

/// <summary>What a recipe needs to know about a model.</summary>
/// <param name="Path">The path of its folder, as it was given.</param>
/// <param name="Parameters">The number of its parameters.</param>
/// <param name="Vocabulary">The number of rows of its embeddings.</param>
/// <param name="Positions">The longest sequence that it was made for, in tokens.</param>
internal sealed record RecipeModel(string Path, long Parameters, int Vocabulary, int Positions)
{
    /// <summary>The name of the folder, without the folders above it.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    public string Words => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Size(Parameters)} parameters, {Vocabulary:N0} tokens, {Positions:N0} positions)");

    /// <summary>Reads the facts of a model. The weights themselves are not loaded.</summary>
    /// <exception cref="Contracts.Errors.InputException">The path is not a model folder.</exception>
    public static RecipeModel Read(string path, IStorage storage)
    {
        string folder = System.IO.Path.GetFullPath(path);
        ModelConfig config = ModelConfig.Load(folder, storage);
        using SafetensorsFolder weights = SafetensorsFolder.Open(folder, storage);
        return new RecipeModel(path, weights.Entries.Sum(t => t.Shape.Aggregate(1L, (product, size) => product * size)), config.VocabularySize, config.MaxPositions);
    }

    private static string Size(long parameters) => parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.##} billion"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:0.#} million"),
        _ => parameters.ToString("N0", CultureInfo.InvariantCulture),
    };
}
