using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>A hypernetwork as a folder: <c>hypernetwork.json</c>, the weights in float32, and a list of checksums, which is written last.</summary>
internal static class HypernetworkFolder
{
    public const string WeightsFile = "hypernetwork.safetensors";

    /// <summary>Writes a hypernetwork into a folder and replaces what is there. To be called on the device's thread.</summary>
    public static void Write(IStorage storage, string folder, IHypernetwork network, HypernetworkManifest manifest)
    {
        storage.CreateDirectory(folder);
        // While files are replaced, the old list of checksums would be wrong.
        storage.DeleteFile(Path.Combine(folder, FileList.FileName));
        SafetensorsWriter.Write(
            Path.Combine(folder, WeightsFile), storage,
            network.Parameters.Select(p => new TensorSource(p.Name, ScalarType.Float32, p.Tensor.shape, () => p.Tensor)));
        manifest.Write(storage, folder);
        FileList.WriteFor(storage, folder);
    }

    /// <summary>Loads a hypernetwork. To be called on the device's thread. The caller disposes the network.</summary>
    /// <exception cref="InputException">The folder has none, or its weights are not those that its configuration names.</exception>
    public static (IHypernetwork Network, HypernetworkManifest Manifest) Load(IStorage storage, string folder, Device device)
    {
        HypernetworkManifest manifest = HypernetworkManifest.Read(storage, folder);
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile), storage);
        using var scope = NewDisposeScope();
        var weights = new NetworkWeights(file.Entries.Select(e => (e.Name, file.View(e.Name))), device);
        return (manifest.Residual is { } residual ? new ResidualNetwork(residual, weights) : new ZettNetwork(manifest.Zett!, weights), manifest);
    }
}
