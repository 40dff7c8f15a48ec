using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Hypernetworks;

/// <summary><c>hypernetwork.json</c>: what the network in a folder is, and for which model.</summary>
/// <param name="Format">Always the same words.</param>
/// <param name="Version">Of the folder's format.</param>
/// <param name="Residual">Its shape, where it is of that architecture.</param>
/// <param name="Zett">Its shape, where it is of that one.</param>
/// <param name="SourceTokenizer">Fingerprint of the tokenizer whose pieces it reads.</param>
/// <param name="SourceRows">Rows of the model's embeddings.</param>
/// <param name="Matrices">1: the model's embeddings are tied; 2: input and output.</param>
/// <param name="Width">The model's hidden size.</param>
/// <param name="Model">Where the model lay; for people.</param>
/// <param name="Steps">Training steps.</param>
internal sealed record HypernetworkManifest(
    string Format, int Version, ResidualNetworkShape? Residual, ZettNetworkShape? Zett, string SourceTokenizer, int SourceRows, int Matrices, int Width, string Model, long Steps)
{
    public const string FileName = "hypernetwork.json", FormatName = "alm hypernetwork";
    public const int CurrentVersion = 1;

    /// <exception cref="DamagedException">It is not what was written.</exception>
    /// <exception cref="InputException">It is of a version this program does not read.</exception>
    public static HypernetworkManifest Read(IStorage storage, string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!storage.FileExists(path))
            throw new InputException($"{folder} is not a hypernetwork: it has no {FileName}; give the folder that train-hypernetwork wrote");
        HypernetworkManifest manifest = CheckedJson.Read<HypernetworkManifest>(storage, path, FormatName, CurrentVersion, "train the hypernetwork again with this program");
        return manifest.Residual is null != manifest.Zett is null
            ? manifest
            : throw new DamagedException(path, $"{path} must have either residual or zett; train the hypernetwork again");
    }

    public void Write(IStorage storage, string folder) => CheckedJson.Write(storage, Path.Combine(folder, FileName), this);
}
