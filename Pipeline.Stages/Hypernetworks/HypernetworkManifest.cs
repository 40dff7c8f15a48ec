using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>The content of <c>hypernetwork.json</c>: what the network in a folder is, and which model it is for.</summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="Version">The version of the folder's format.</param>
/// <param name="Residual">The shape of a residual network; null for the other architecture.</param>
/// <param name="Zett">The shape of a zett network; null for the other architecture.</param>
/// <param name="SourceTokenizer">The fingerprint of the tokenizer whose pieces the network reads.</param>
/// <param name="SourceRows">The number of rows of the model's embeddings.</param>
/// <param name="Matrices">1 where the model's embeddings are tied, 2 for input and output.</param>
/// <param name="Width">The model's hidden size.</param>
/// <param name="Model">The name of the model's folder, for people.</param>
/// <param name="Steps">The number of training steps.</param>
internal sealed record HypernetworkManifest(
    string Format, int Version, ResidualNetworkShape? Residual, ZettNetworkShape? Zett, string SourceTokenizer, int SourceRows, int Matrices, int Width, string Model, long Steps)
{
    public const string FileName = "hypernetwork.json", FormatName = "alm hypernetwork";
    public const int CurrentVersion = 1;

    /// <summary>Reads the manifest of a folder.</summary>
    /// <exception cref="DamagedException">The file is not what was written.</exception>
    /// <exception cref="InputException">The folder has no manifest, or one of a version that this program does not read.</exception>
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
