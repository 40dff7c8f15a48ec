using System.Globalization;
using System.Text.Json;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tests.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Steering;

/// <summary>One case of <c>golden/sea</c>: demonstrations and hidden states [N, layers, d], and what the reference makes of them.</summary>
internal sealed class SeaGolden(string path)
{
    private readonly JsonElement _json = JsonDocument.Parse(File.ReadAllBytes(Path.ChangeExtension(path, ".json"))).RootElement;

    public string Name { get; } = Path.GetFileNameWithoutExtension(path);

    public SafetensorsReader Tensors { get; } = new(path);

    public IEnumerable<JsonElement> Entries => _json.GetProperty("entries").EnumerateArray();

    public static (string Name, FeatureMap Map) MapOf(string name) => (name, name switch
    {
        "identity" => FeatureMap.Identity,
        "squared-exponential" => FeatureMap.SquaredExponential,
        "tanh" => FeatureMap.Tanh,
        "elu" => FeatureMap.Elu,
        _ => throw new InvalidDataException($"unknown feature map '{name}'"),
    });

    public static double Number(string share) => double.Parse(share, CultureInfo.InvariantCulture);

    /// <summary>The prefix of a fit's tensors; the share is written as the case's file has it.</summary>
    public static string Key((string Name, FeatureMap Map) map, string share, int layer) => $"{map.Name}.K{share}.layer{layer}";

    /// <summary>[N, d] float64.</summary>
    public Tensor Layer(string name, int layer) => Tensors.Doubles(name).select(1, layer);

    public SpectralSums Sums(FeatureMap map, int layer)
    {
        Tensor from = Layer("base", layer), positive = Layer("positive", layer), negative = Layer("negative", layer);
        SpectralSums sums = new(map, (int)from.size(1));
        // In two parts of unequal size: sums of parts add up.
        long cut = from.size(0) / 3;
        foreach ((long begin, long end) in new[] { (0L, cut), (cut, from.size(0)) })
            sums.Add(from[TensorIndex.Slice(begin, end)], positive[TensorIndex.Slice(begin, end)], negative[TensorIndex.Slice(begin, end)]);
        return sums;
    }
}
