using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Host.Recipes;

/// <summary>A model folder as a recipe sees it.</summary>
/// <param name="Path">As it was given.</param>
/// <param name="Parameters">Numbers in its weights.</param>
/// <param name="Vocabulary">Rows of its embeddings.</param>
/// <param name="Positions">Tokens it was made for.</param>
internal sealed record RecipeModel(string Path, long Parameters, int Vocabulary, int Positions)
{
    /// <summary>The folder's last name.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    public string Words => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Size(Parameters)} parameters, {Vocabulary:N0} tokens, {Positions:N0} positions)");

    /// <exception cref="Contracts.Errors.InputException">It is not a model folder.</exception>
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
