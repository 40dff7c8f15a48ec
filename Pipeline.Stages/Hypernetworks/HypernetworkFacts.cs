using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>What a hypernetwork's folder says about itself; reads the headers alone.</summary>
/// <param name="Version">Of the folder's format.</param>
/// <param name="Architecture">residual or zett.</param>
/// <param name="Parameters">Numbers in its weights.</param>
/// <param name="Layers">Transformer layers.</param>
/// <param name="MaxPieces">Longest form.</param>
/// <param name="Matrices">1: for a tied model; 2: input and output.</param>
/// <param name="Width">The model's hidden size.</param>
/// <param name="SourceRows">Rows of the model's embeddings.</param>
/// <param name="SourceTokenizer">Fingerprint of the model's tokenizer.</param>
/// <param name="Model">Name of the folder the model lay in.</param>
/// <param name="Steps">Training steps.</param>
public sealed record HypernetworkFacts(
    int Version, string Architecture, long Parameters, int Layers, int MaxPieces, int Matrices, int Width, int SourceRows, string SourceTokenizer, string Model, long Steps)
{
    public static bool IsIn(IStorage storage, string folder) => storage.FileExists(Path.Combine(folder, HypernetworkManifest.FileName));

    /// <exception cref="Contracts.Errors.AlmException">It is damaged, or of a version this program does not read.</exception>
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
