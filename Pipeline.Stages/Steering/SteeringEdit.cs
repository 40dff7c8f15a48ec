using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Steering;

/// <summary>
/// The edits of a model's activations, as a file next to the model's weights or in a folder of its own. For each layer L it has the orthonormal bases
/// U⁺ and U⁻ in float32: <c>layerL.positive</c> [d, k⁺] and <c>layerL.negative</c> [d, k⁻]. The matrix P = I + U⁺U⁺ᵀ − U⁻U⁻ᵀ is never stored, since
/// it has d² values instead of d(k⁺ + k⁻).
/// </summary>
public sealed class SteeringEdit : IDisposable
{
    private const string Format = "alm-sea";
    private const string Version = "1";

    private readonly SortedDictionary<int, SpectralProjection> _layers;

    internal SteeringEdit(ActivationPlace place, SideCombination combination, bool renormalise, IReadOnlyDictionary<int, SpectralProjection> layers)
        => (Place, Combination, Renormalise, _layers) = (place, combination, renormalise, new SortedDictionary<int, SpectralProjection>(layers.ToDictionary()));

    public ActivationPlace Place { get; }

    public SideCombination Combination { get; }

    /// <summary>Whether every edited activation gets its old length back, as the method says.</summary>
    public bool Renormalise { get; }

    internal IReadOnlyDictionary<int, SpectralProjection> Layers => _layers;

    /// <summary>The name of an edit's file. Where it is next to a model's weights, every load of the model applies it.</summary>
    public const string FileName = "sea.safetensors";

    /// <summary>The metadata of the file: its settings, and what the edit was fitted from.</summary>
    public IReadOnlyDictionary<string, string> About { get; private init; } = new Dictionary<string, string>();

    /// <summary>The file of an edit that a definition names, either by its folder or by the file itself.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public static string PathOf(string edit, IStorage storage)
    {
        string path = storage.DirectoryExists(edit) ? Path.Combine(edit, FileName) : edit;
        return storage.FileExists(path) ? path : throw new InputException($"{path} does not exist; an edit is a folder that project-sea wrote, or the {FileName} in it");
    }

    /// <summary>Whether a model's folder has an edit of its own.</summary>
    public static bool IsIn(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, FileName));

    /// <summary>The edit that a model is to have: the one that is named, or otherwise the one in the model's folder; null if there is neither.</summary>
    /// <param name="folder">The full path of the model's folder.</param>
    /// <param name="edit">The full path of an edit's folder or file; null if none is named.</param>
    /// <param name="storage">Where files are read.</param>
    /// <param name="device">The model's device.</param>
    /// <exception cref="InputException">There are both. An edit is fitted on a model without another edit.</exception>
    public static SteeringEdit? Find(string folder, string? edit, IStorage storage, Device device)
    {
        bool own = IsIn(folder, storage);
        if (own && edit is not null)
            throw new InputException($"{folder} has an edit of its own ({FileName}), but {edit} was fitted on the plain model; name the folder of the plain model, or leave the edit out");
        return own ? Load(Path.Combine(folder, FileName), storage, device) : edit is null ? null : Load(PathOf(edit, storage), storage, device);
    }

    /// <summary>Reads an edit and moves its bases to <paramref name="device"/>.</summary>
    /// <exception cref="InputException">The file does not exist, is damaged or of another version, or its bases are not orthonormal.</exception>
    public static SteeringEdit Load(string path, IStorage storage, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path, storage);
        string Text(string key) => file.Metadata.TryGetValue(key, out string? value)
            ? value
            : throw new InputException($"{path}: no '{key}' in its metadata; an edit of activations is written by project-sea");
        if (Text("format") != Format || Text("version") != Version)
            throw new InputException($"{path}: format '{Text("format")}' version '{Text("version")}', expected '{Format}' version '{Version}'; write it again with this program");
        T Choice<T>(string key)
            where T : struct, Enum
            => Enum.TryParse(Text(key), ignoreCase: true, out T value) ? value : throw new InputException($"{path}: '{key}' is '{Text(key)}', expected one of {string.Join(", ", Enum.GetNames<T>())}");
        FeatureMap map = Choice<FeatureMap>("map");
        var layers = new Dictionary<int, SpectralProjection>();
        foreach (int layer in Text("layers").Split(',').Select(text => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)))
            layers.Add(layer, new SpectralProjection(map, Basis($"layer{layer}.positive"), Basis($"layer{layer}.negative")));
        return new SteeringEdit(Choice<ActivationPlace>("place"), Choice<SideCombination>("combine"), bool.Parse(Text("renormalise")), layers)
        {
            About = new Dictionary<string, string>(file.Metadata),
        };

        Tensor Basis(string name)
        {
            Tensor basis = file.View(name).to(ScalarType.Float32, device, copy: true);
            if (basis.dim() != 2)
                throw new InputException($"{path}: '{name}' is [{string.Join(", ", basis.shape)}], expected [width, rank]");
            double off = (basis.transpose(0, 1).mm(basis) - eye(basis.size(1), device: device)).abs().max().ToDouble();
            if (!(off <= 1e-4))
                throw new InputException($"{path}: the columns of '{name}' are not orthonormal (off by {off:g3}); the file is damaged or was not written by project-sea");
            return basis;
        }
    }

    /// <summary>Writes the edit next to a model's weights, with its metadata. Every load of the model then applies it.</summary>
    public void SaveInto(string folder, IStorage storage) => Save(Path.Combine(folder, FileName), storage, About);

    /// <summary>Writes the file, completely or not at all.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="storage">Where the file is written.</param>
    /// <param name="about">What the edit was fitted from, for people and for <c>alm inspect</c>: shares, number of demonstrations, model.</param>
    internal void Save(string path, IStorage storage, IReadOnlyDictionary<string, string> about)
    {
        Dictionary<string, string> metadata = new(about, StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["version"] = Version,
            ["place"] = Place.ToString(),
            ["map"] = _layers.First().Value.Map.ToString(),
            ["combine"] = Combination.ToString(),
            ["renormalise"] = Renormalise ? "true" : "false",
            ["epsilon"] = FeatureMaps.Epsilon.ToString(CultureInfo.InvariantCulture),
            ["layers"] = string.Join(',', _layers.Keys),
        };
        SafetensorsWriter.Write(path, storage, _layers.SelectMany(layer => new[]
        {
            new TensorSource($"layer{layer.Key}.positive", ScalarType.Float32, layer.Value.Positive),
            new TensorSource($"layer{layer.Key}.negative", ScalarType.Float32, layer.Value.Negative),
        }), metadata);
    }

    /// <summary>Makes every forward pass of the model edit its activations. This object has to live as long as the model is used.</summary>
    /// <exception cref="InputException">The edit was fitted on a model with other layers or another width.</exception>
    public void ApplyTo(CausalLm model)
    {
        Check(model.Config);
        foreach ((int layer, SpectralProjection projection) in _layers)
            model.SetEdit(layer, Place, hidden => projection.Edit(hidden, Combination, Renormalise));
    }

    /// <summary>Checks that the edit fits a model.</summary>
    /// <exception cref="InputException">The edit was fitted on a model with other layers or another width.</exception>
    public void Check(ModelConfig config)
    {
        foreach ((int layer, SpectralProjection projection) in _layers)
        {
            if (layer >= config.Layers || projection.Width != config.HiddenSize)
            {
                throw new InputException(
                    $"the edit is for layer {layer} at width {projection.Width}, but the model has layers 0 to {config.Layers - 1} at width {config.HiddenSize}: it was fitted on another model");
            }
        }
    }

    public void Dispose()
    {
        foreach (SpectralProjection projection in _layers.Values)
            projection.Dispose();
    }
}
