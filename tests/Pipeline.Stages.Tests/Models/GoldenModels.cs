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
            string? shared = Environment.GetEnvironmentVariable("ALM_SHARED");
            for (DirectoryInfo? folder = new(AppContext.BaseDirectory); shared is null && folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Alm.sln")))
                    shared = Path.Combine(folder.Parent?.FullName ?? "/", "shared");
            }

            string? root = shared is null ? null : Path.Combine(shared, "golden", "models");
            return Directory.Exists(root) ? root : null;
        }
    }

    public static IEnumerable<string> Folders => Root is null ? [] : Directory.GetDirectories(Root).Where(folder => File.Exists(Path.Combine(folder, "reference.safetensors"))).Order(StringComparer.Ordinal);

    public static SafetensorsFile Reference(string folder) => SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"), new TestStorage());

    public static double MaxDifference(Tensor found, Tensor expected) => (found - expected).abs().max().item<float>();
}
