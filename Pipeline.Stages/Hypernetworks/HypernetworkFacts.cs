using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>What is known of a hypernetwork from its folder, without reading the weights.</summary>
/// <param name="Version">The version of the folder's format.</param>
/// <param name="Architecture">residual or zett.</param>
/// <param name="Parameters">The number of values in its weights.</param>
/// <param name="Layers">The number of transformer layers.</param>
/// <param name="MaxPieces">The number of pieces of the longest form.</param>
/// <param name="Matrices">1 for a model with tied embeddings, 2 for input and output.</param>
/// <param name="Width">The model's hidden size.</param>
/// <param name="SourceRows">The number of rows of the model's embeddings.</param>
/// <param name="SourceTokenizer">The fingerprint of the model's tokenizer.</param>
/// <param name="Model">The name of the model's folder.</param>
/// <param name="Steps">The number of training steps.</param>
public sealed record HypernetworkFacts(
    int Version, string Architecture, long Parameters, int Layers, int MaxPieces, int Matrices, int Width, int SourceRows, string SourceTokenizer, string Model, long Steps)
{
    /// <summary>Whether a folder holds a hypernetwork.</summary>
    public static bool IsIn(IStorage storage, string folder) => storage.FileExists(Path.Combine(folder, HypernetworkManifest.FileName));

    /// <summary>Reads the configuration and the header of the weights.</summary>
    /// <exception cref="Contracts.Errors.AlmException">The folder is damaged, or of a version that this program does not read.</exception>
    public static HypernetworkFacts Read(IStorage storage, string folder)
    {
        HypernetworkManifest manifest = HypernetworkManifest.Read(storage, folder);
        using SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(folder, HypernetworkFolder.WeightsFile), storage);
        int pieces = manifest.Zett?.Length ?? (int)weights.Entry(ResidualNetwork.Positions).Shape[0];
        return new HypernetworkFacts(
            manifest.Version, manifest.Zett is null ? "residual" : "zett", weights.Entries.Sum(e => e.Shape.Aggregate(1L, (product, size) => product * size)),
            manifest.Residual?.Layers ?? manifest.Zett!.Layers, pieces, manifest.Matrices, manifest.Width, manifest.SourceRows, manifest.SourceTokenizer, manifest.Model, manifest.Steps);
    }
}
