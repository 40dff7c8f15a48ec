using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Hypernetworks;

/// <summary>One case of <c>golden/zett</c>: a JSON file and the tensors beside it, whatever their names and shapes are.</summary>
internal sealed class ZettCase : IDisposable
{
    private readonly SafetensorsFile? _tensors;

    public ZettCase(string json, string? tensors)
    {
        Name = Path.GetFileNameWithoutExtension(json);
        Json = JsonDocument.Parse(File.ReadAllBytes(json)).RootElement;
        _tensors = tensors is null ? null : SafetensorsFile.Open(tensors, new DiskStorage());
    }

    public string Name { get; }

    public JsonElement Json { get; }

    public IEnumerable<string> Names => _tensors!.Entries.Select(e => e.Name);

    /// <summary>The cases of a folder: every JSON file that has tensors beside it, or every JSON file.</summary>
    public static IEnumerable<string> Files(string folder, string prefix = "")
        => Below(folder) is { } path ? Directory.EnumerateFiles(path, $"{prefix}*.json").Order(StringComparer.Ordinal).Select(f => Path.GetFileNameWithoutExtension(f)!) : [];

    public static string? Below(string folder)
        => SharedFolder.Path is { } shared && Path.Combine(shared, "golden", "zett", folder) is var path && Directory.Exists(path) ? path : null;

    public static ZettCase Open(string folder, string name)
    {
        string json = Path.Combine(Below(folder)!, $"{name}.json"), tensors = Path.ChangeExtension(json, ".safetensors");
        return new ZettCase(json, File.Exists(tensors) ? tensors : null);
    }

    public bool Has(string name) => _tensors!.Contains(name);

    public Tensor this[string name] => _tensors!.View(name).clone();

    public Tensor Get(string name, ScalarType type) => this[name].to_type(type);

    /// <summary>The largest difference, in units of the largest entry where <paramref name="relative"/> says so (of 1e-3 at least: a key's bias has gradient 0).</summary>
    public double Distance(string name, Tensor actual, bool relative = false)
    {
        Tensor expected = Get(name, ScalarType.Float64);
        Assert.Equal(expected.shape, actual.shape);
        double difference = expected.numel() == 0 ? 0 : (expected - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        return relative ? difference / Math.Max(expected.abs().max().item<double>(), 1e-3) : difference;
    }

    public void Dispose() => _tensors?.Dispose();
}
