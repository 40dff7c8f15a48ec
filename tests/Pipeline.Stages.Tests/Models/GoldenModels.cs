using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

/// <summary>Tiny models with reference numbers from Hugging Face transformers, where the shared folder is.</summary>
internal sealed class GoldenModels
{
    public const double Tolerance = 1e-4;

    /// <summary>Null when there is no shared folder.</summary>
    public static string? Root
    {
        get
        {
            string? root = SharedFolder.Path is { } shared ? Path.Combine(shared, "golden", "models") : null;
            return Directory.Exists(root) ? root : null;
        }
    }

    public static IEnumerable<string> Folders => Root is null ? [] : Directory.GetDirectories(Root).Where(folder => File.Exists(Path.Combine(folder, "reference.safetensors"))).Order(StringComparer.Ordinal);

    public static SafetensorsFile Reference(string folder) => SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"), new DiskStorage());

    public static double MaxDifference(Tensor found, Tensor expected) => (found - expected.to(found.device)).abs().max().item<float>();
}
